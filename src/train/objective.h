// What is learned from examples of a fixed set: demonstrations, preferences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/token_data.h"
#include "train/learner.h"
#include "train/settings.h"

namespace arena::train {

/// A loss over examples. Numbers of a pass are shares of the batch's means: they add up over passes
/// and ranks. Not thread-safe.
class Objective {
 public:
  virtual ~Objective() = default;

  /// What Learn measures, the loss first.
  virtual std::span<const std::string_view> names() const = 0;
  virtual std::size_t examples() const = 0;
  /// Rows that an example takes in a pass.
  virtual std::size_t Tokens(std::size_t example) const = 0;
  /// For messages: its row in the source.
  virtual std::int64_t Row(std::size_t example) const = 0;

  /// Counts a whole batch, of all ranks, before its passes.
  virtual void SetBatch(std::span<const std::size_t> batch) = 0;
  /// Runs a pass over some examples of the batch, adds its shares to `shares` (names().size()) and
  /// the gradient to `gradients` (null: measures only). Numbers may come out as NaN; the caller
  /// looks at the sums.
  virtual Status Learn(std::span<const std::size_t> examples, Learner& learner, float* gradients,
                       std::span<double> shares) = 0;
};

/// Supervised fine-tuning. `data` outlives the object, here and below.
std::unique_ptr<Objective> MakeSftObjective(const TokenData& data);

/// Direct preference optimization. `reference`: of each sequence the log-probability of its answer
/// under the reference model (ReferenceLogProbabilities).
std::unique_ptr<Objective> MakeDpoObjective(const TokenData& data, const DpoOptions& options,
                                            std::vector<double> reference);

/// A reward model.
std::unique_ptr<Objective> MakeRewardObjective(const TokenData& data, const RewardOptions& options);

/// The sum of the log-probabilities of the tokens to be learned of each sequence, by the learner's
/// present weights. Each rank computes a share, all get all.
Result<std::vector<double>> ReferenceLogProbabilities(const TokenData& data,
                                                      std::size_t most_tokens, Learner& learner,
                                                      Collective& collective);

}  // namespace arena::train
