// One kind of training, step by step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "checkpoint/token_data.h"
#include "train/collective.h"
#include "train/events.h"
#include "train/job.h"
#include "train/learner.h"
#include "train/metric.h"
#include "train/training_state.h"

namespace arena::train {

/// What the loop of a run (run.h) needs of a kind of training. Every rank has one and calls the
/// same in the same order. Not thread-safe.
class Trainer {
 public:
  virtual ~Trainer() = default;

  virtual std::int64_t steps() const = 0;
  virtual std::int64_t examples() const = 0;
  virtual Learner& learner() = 0;

  /// Step `step`, counted from 0, with the same numbers on every rank, "loss" first. Error: a
  /// number that is not finite, with the rows that were learned from; the weights are as before.
  virtual Result<std::vector<Metric>> Step(std::int64_t step) = 0;

  /// Measures the evaluation data, if there are any.
  virtual Result<std::vector<Metric>> Evaluate() = 0;

  /// All tensors of a checkpoint. They stay in place: saving reads them, resuming fills them.
  virtual std::vector<StateFile> StateFiles() = 0;
  virtual void SaveState(TrainingState& state) = 0;
  virtual Status LoadState(const TrainingState& state) = 0;
};

/// Loads models and data. Errors name the file.
Result<std::unique_ptr<Trainer>> MakeSupervisedTrainer(const Job& job, Collective& collective);
Result<std::unique_ptr<Trainer>> MakePpoTrainer(const Job& job, Collective& collective);

/// Tokens of one pass where the settings leave it open: so few that the activations of a small
/// model stay in the second-level cache, and enough for products to be fast.
std::size_t PassTokens(const Settings& settings, const ModelConfig& config);

/// Errors: a token outside the vocabulary; a sequence longer than the context.
Status CheckFits(const TokenData& data, const std::filesystem::path& path,
                 const ModelConfig& config);

/// The message of numbers that are not finite in a step: its rows, the first ones.
Error NotFinite(std::int64_t step, std::string_view what, const std::vector<std::int64_t>& rows);

}  // namespace arena::train
