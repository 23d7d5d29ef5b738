// Who trains and who answers for a stage of the loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/training_job.h"
#include "core/contestant.h"

namespace arena {

/// A training of a stage. Its result in `job.out` is a function of the job.
struct StageTraining {
  std::string name;  ///< for progress: "SFT-I1"
  TrainingJobOptions job;
  unsigned workers = 1;
};

/// Trains. Thread-safe.
class StageTrainer {
 public:
  using OnStep = std::function<void(std::int64_t step, std::int64_t steps, double loss)>;
  virtual ~StageTrainer() = default;
  /// Leaves a checkpoint with its tokenizer in job.out; goes on where an earlier call was killed.
  /// Errors: kCancelled when the user interrupted; what was trained so far is kept.
  virtual Status Train(const StageTraining& training, const OnStep& on_step) = 0;
};

/// A checkpoint that answers.
struct StageContestant {
  std::string name;
  std::filesystem::path checkpoint;
  double temperature = 0;
  std::uint64_t seed = 0;
  std::int64_t max_new_tokens = 16;
};

/// Makes contestants of checkpoints. Thread-safe.
class StageServer {
 public:
  virtual ~StageServer() = default;
  /// Starts what answers; it lives as long as the result.
  virtual Result<std::unique_ptr<ChatModel>> Serve(const StageContestant& contestant) = 0;
};

/// Trains with arena-lm beside this program.
std::unique_ptr<StageTrainer> MakeNativeTrainer();
/// Answers with arena-lm, `workers` processes for each contestant.
std::unique_ptr<StageServer> MakeNativeServer(unsigned workers);

}  // namespace arena
