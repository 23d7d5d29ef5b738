// Stands in for `arena-lm train JOB`: speaks its protocol and learns nothing. It checks what it is
// given, and misbehaves where settings ask for it.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/new_model.h"
#include "checkpoint/token_data.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

std::string Environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class FakeTrainer {
 public:
  explicit FakeTrainer(Json job)
      : job_(std::move(job)),
        out_(job_.at("out").get<std::string>()),
        rank_(std::stoi(Environment("RANK", "0"))) {}

  int Run() {
    const std::set<std::string> known = {"steps",    "step_ms",    "fail_at",      "die_at",
                                         "die_rank", "max_tokens", "learning_rate"};
    for (const auto& [key, ignored] : job_.at("settings").items()) {
      if (!known.contains(key)) return Fail(fmt::format("unknown setting {}", key), true);
    }
    const auto data = ReadTokenData(job_.at("data").get<std::string>());
    if (!data.ok()) return Fail(data.error().message, false);
    NoteEnvironment();
    const std::int64_t first = LastCheckpoint();
    Say({{"type", "start"},
         {"steps", Steps()},
         {"step", first},
         {"parameters", 10},
         {"trainable", 10},
         {"examples", data->examples()},
         {"precision", "f32"},
         {"ranks", std::stoi(Environment("WORLD_SIZE", "1"))},
         {"resumed", first > 0}});
    for (std::int64_t step = first + 1; step <= Steps(); ++step) {
      if (const int exit = Step(step); exit >= 0) return exit;
    }
    return Finish();
  }

 private:
  std::int64_t Setting(const char* name, std::int64_t otherwise) const {
    const Json& settings = job_.at("settings");
    return settings.contains(name) ? std::stoll(settings.at(name).get<std::string>()) : otherwise;
  }
  std::int64_t Steps() const { return Setting("steps", 5); }

  void Say(const Json& event) const {
    if (rank_ != 0) return;
    fmt::print("{}\n", DumpJson(event));
    std::fflush(stdout);
  }
  int Fail(const std::string& message, bool usage) const {
    Say({{"type", "error"}, {"message", message}, {"usage", usage}});
    return usage ? 2 : 1;
  }

  // For the test to look at.
  void NoteEnvironment() const {
    Json note;
    for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
      note[name] = Environment(name, "");
    }
    std::ofstream(out_ / fmt::format("environment-{}.json", rank_)) << DumpJson(note);
  }

  fs::path Checkpoint(std::int64_t step) const {
    return out_ / "checkpoints" / fmt::format("step-{:08}", step);
  }
  std::int64_t LastCheckpoint() const {
    std::int64_t last = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(out_ / "checkpoints", ignored)) {
      last = std::max<std::int64_t>(last, std::stoll(entry.path().filename().string().substr(5)));
    }
    return last;
  }
  void Save(std::int64_t step) const {
    if (rank_ != 0) return;
    fs::create_directories(Checkpoint(step));
    Say({{"type", "saved"}, {"step", step}, {"path", Checkpoint(step).string()}});
  }

  // The exit code where the training ends with this step, else -1.
  int Step(std::int64_t step) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(Setting("step_ms", 0)));
    if (Interrupted()) {
      Save(step - 1);
      return 130;
    }
    if (step == Setting("die_at", 0) && rank_ == Setting("die_rank", 0)) {
      fmt::print(stderr, "these are my last words\n");
      std::fflush(stderr);
      std::ofstream(out_ / "dead") << rank_;
      std::raise(SIGKILL);
    }
    if (fs::exists(out_ / "dead")) return Fail("another rank is gone", false);
    if (step == Setting("fail_at", 0)) return Fail("the loss is NaN at this step", false);
    const Json event = {{"type", "step"},
                        {"step", step},
                        {"steps", Steps()},
                        {"loss", 1.0 / static_cast<double>(step)},
                        {"tokens_per_second", 1000},
                        {"eta_seconds", 1}};
    if (rank_ == 0) std::ofstream(out_ / "metrics.jsonl", std::ios::app) << DumpJson(event) << "\n";
    Say(event);
    return -1;
  }

  int Finish() const {
    if (rank_ != 0) return 0;
    Save(Steps());
    Say({{"type", "eval"}, {"step", Steps()}, {"eval_loss", 0.5}});
    Say({{"type", "warning"}, {"message", "this trainer learns nothing"}});
    auto config = LoadConfig(job_.at("model").get<std::string>());
    if (!config.ok()) return Fail(config.error().message, false);
    if (job_.at("trainer") == "rm") {
      config->architecture = Architecture::kLlamaSequenceClassification;
      config->tie_word_embeddings = false;
    }
    fs::remove(out_ / "model.safetensors");
    fs::remove(out_ / "config.json");
    if (const Status made = NewModel(*config, 1, out_); !made.ok()) {
      return Fail(made.error().message, false);
    }
    Say({{"type", "done"}, {"step", Steps()}, {"seconds", 2.5}});
    return 0;
  }

  Json job_;
  fs::path out_;
  int rank_;
};

}  // namespace
}  // namespace arena

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "train") return 2;
  arena::InstallInterruptHandler();
  const auto text = arena::ReadFile(argv[2]);
  if (!text.ok()) return 1;
  auto job = arena::ParseJson(*text);
  return job.ok() ? arena::FakeTrainer(std::move(*job)).Run() : 1;
}
