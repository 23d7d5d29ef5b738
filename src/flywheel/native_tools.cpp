#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "chat/local_contestant.h"
#include "chat/training_run.h"
#include "flywheel/stage_tools.h"

namespace arena {
namespace {

class NativeTrainer final : public StageTrainer {
 public:
  Status Train(const StageTraining& training, const OnProgress& on_progress) override {
    ARENA_ASSIGN_OR_RETURN(const PreparedTraining prepared,
                           PrepareTraining(training.job, [](std::int64_t) {}));
    const auto follow = [&on_progress](const Json& event) {
      if (event.value("type", "") != "step") return;
      on_progress(fmt::format("step {} of {}, loss {:.3f}", event.value("step", std::int64_t{0}),
                              event.value("steps", std::int64_t{0}), event.value("loss", 0.0)));
    };
    ARENA_ASSIGN_OR_RETURN(const TrainingRunEnd end, RunTraining({.job = prepared.job,
                                                                  .log_folder = prepared.log_folder,
                                                                  .ranks = training.workers},
                                                                 follow));
    if (end.interrupted) return Cancelled("stopped by the user");
    return CopyTokenizer(training.job, prepared);
  }
};

class NativeServer final : public StageServer {
 public:
  explicit NativeServer(unsigned workers) : workers_(workers) {}

  Result<std::unique_ptr<ChatModel>> Serve(const StageContestant& contestant) override {
    LocalContestant::Options options;
    options.name = contestant.name;
    options.model.pool.model = contestant.checkpoint;
    options.model.pool.workers = workers_;
    options.model.pool.cache_mb = 64;
    options.sampling.temperature = contestant.temperature;
    options.sampling.seed = contestant.seed;
    options.max_new_tokens = contestant.max_new_tokens;
    options.keep_cut = true;
    ARENA_ASSIGN_OR_RETURN(std::unique_ptr<LocalContestant> loaded, LocalContestant::Load(options));
    return std::unique_ptr<ChatModel>(std::move(loaded));
  }

 private:
  const unsigned workers_;
};

}  // namespace

std::unique_ptr<StageTrainer> MakeNativeTrainer() { return std::make_unique<NativeTrainer>(); }

std::unique_ptr<StageServer> MakeNativeServer(unsigned workers) {
  return std::make_unique<NativeServer>(workers);
}

}  // namespace arena
