#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "flywheel/internal/join_rows.h"
#include "flywheel/internal/outside_program.h"
#include "flywheel/internal/paths_json.h"
#include "flywheel/stage_tools.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using flywheel_internal::FillIn;
using flywheel_internal::JoinRows;
using flywheel_internal::LastLines;
using flywheel_internal::OutsideProgram;
using flywheel_internal::PathsJson;
using flywheel_internal::Placeholders;
using flywheel_internal::ProgramFailed;

constexpr auto kPause = std::chrono::milliseconds(50);
constexpr auto kPatienceAtEnd = std::chrono::seconds(60);  // to save a checkpoint

// What a training is given and leaves, beside its checkpoint.
struct TrainingFiles {
  fs::path data;
  fs::path ptx_data;  // empty: none
  fs::path job;
  fs::path log;
  fs::path record;
};

class CommandTrainer final : public StageTrainer {
 public:
  explicit CommandTrainer(CommandTrainerOptions options) : options_(std::move(options)) {}

  Status Train(const StageTraining& training, const OnProgress& on_progress) override {
    ARENA_ASSIGN_OR_RETURN(const TrainingFiles files, WriteInputs(training.job));
    for (std::int64_t attempt = 1;; ++attempt) {
      Status end = Attempt(training, files, on_progress);
      if (end.ok() || end.error().code == ErrorCode::kCancelled) return end;
      if (attempt < options_.attempts) {
        on_progress(fmt::format("attempt {} failed, again: {}", attempt, end.error().message));
        continue;
      }
      return end;
    }
  }

 private:
  static Result<TrainingFiles> WriteInputs(const TrainingJobOptions& job) {
    const fs::path inputs = job.out.string() + ".training";
    ARENA_RETURN_IF_ERROR(MakeFolder(inputs));
    TrainingFiles files{.data = inputs / "data.jsonl",
                        .ptx_data = {},
                        .job = inputs / "job.json",
                        .log = inputs / "log.txt",
                        .record = inputs / "running.json"};
    ARENA_RETURN_IF_ERROR(JoinRows(job.data, files.data));
    if (!job.ptx_data.empty()) {
      files.ptx_data = inputs / "ptx.jsonl";
      ARENA_RETURN_IF_ERROR(JoinRows(job.ptx_data, files.ptx_data));
    }
    const Json description = {{"trainer", TrainerName(job.trainer)},
                              {"base", job.model.string()},
                              {"data", files.data.string()},
                              {"ptx_data", files.ptx_data.string()},
                              {"reward_model", job.reward_model.string()},
                              {"out", job.out.string()},
                              {"data_parts", PathsJson(job.data)},
                              {"settings", job.settings}};
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(files.job, DumpJson(description, 2) + "\n"));
    return files;
  }

  static Placeholders PlaceholdersOf(const TrainingJobOptions& job, const TrainingFiles& files) {
    Placeholders values = {{"trainer", std::string(TrainerName(job.trainer))},
                           {"base", job.model.string()},
                           {"data", files.data.string()},
                           {"ptx_data", files.ptx_data.string()},
                           {"reward_model", job.reward_model.string()},
                           {"out", job.out.string()},
                           {"job", files.job.string()},
                           {"name", job.out.filename().string()},
                           {"seed", ""}};
    constexpr std::string_view kSeed = "seed=";
    for (const std::string& setting : job.settings) {
      if (setting.starts_with(kSeed)) values["seed"] = setting.substr(kSeed.size());
    }
    return values;
  }

  // The same for programs that read their environment.
  static std::vector<std::string> EnvironmentOf(const Placeholders& values) {
    std::vector<std::string> environment;
    for (const auto& [name, value] : values) {
      std::string variable = "ARENA_" + name;
      std::transform(variable.begin(), variable.end(), variable.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      environment.push_back(fmt::format("{}={}", variable, value));
    }
    return environment;
  }

  std::vector<std::string> CommandOf(const TrainingJobOptions& job,
                                     const Placeholders& values) const {
    std::vector<std::string> command;
    for (const std::string& argument :
         options_.commands.at(std::string(TrainerName(job.trainer)))) {
      if (argument == "{settings}") {
        command.insert(command.end(), job.settings.begin(), job.settings.end());
      } else {
        command.push_back(FillIn(argument, values));
      }
    }
    return command;
  }

  Status Attempt(const StageTraining& training, const TrainingFiles& files,
                 const OnProgress& on_progress) const {
    const TrainingJobOptions& job = training.job;
    const Placeholders values = PlaceholdersOf(job, files);
    OutsideProgram::Options program{.command = CommandOf(job, values),
                                    .environment = EnvironmentOf(values),
                                    .folder = options_.folder,
                                    .log = files.log,
                                    .record = files.record};
    program.environment.insert(program.environment.end(), options_.environment.begin(),
                               options_.environment.end());
    ARENA_ASSIGN_OR_RETURN(const auto running, OutsideProgram::Start(program));
    ARENA_RETURN_IF_ERROR(WaitFor(*running, files, on_progress));
    const ChildProcess::End& end = *running->Poll();
    if (end.exit_code != 0) return Failed(files, end.text);
    for (const std::string& output : options_.outputs) {
      if (fs::exists(job.out / output)) continue;
      return Failed(files,
                    fmt::format("it ended well, and {} is not there", (job.out / output).string()));
    }
    return {};
  }

  Status WaitFor(OutsideProgram& running, const TrainingFiles& files,
                 const OnProgress& on_progress) const {
    using Seconds = std::chrono::seconds;
    const auto start = std::chrono::steady_clock::now();
    Seconds told{-1};
    while (!running.Poll()) {
      if (Interrupted()) {
        running.Stop(kPatienceAtEnd);
        return Cancelled("stopped by the user");
      }
      const auto passed =
          std::chrono::duration_cast<Seconds>(std::chrono::steady_clock::now() - start);
      if (passed > options_.timeout) {
        running.Stop(kPatienceAtEnd);
        return Failed(files, fmt::format("it took more than {} s", options_.timeout.count()));
      }
      if (passed != told) {
        told = passed;
        on_progress(fmt::format("{} s: {}", passed.count(), LastLines(files.log, 1)));
      }
      std::this_thread::sleep_for(kPause);
    }
    return {};
  }

  static Error Failed(const TrainingFiles& files, const std::string& how) {
    return ProgramFailed("the training program failed: " + how, files.log);
  }

  const CommandTrainerOptions options_;
};

}  // namespace

std::unique_ptr<StageTrainer> MakeCommandTrainer(CommandTrainerOptions options) {
  return std::make_unique<CommandTrainer>(std::move(options));
}

}  // namespace arena
