// Which examples a step learns from, and in which passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"

namespace arena::train {

/// The examples of each step: every pass over the data in an order of its own, drawn from the seed
/// and the number of the pass, so that a step's examples follow from its number alone. The last
/// batch of a pass may be smaller. The order of the last pass asked for is kept. Not thread-safe.
class BatchOrder {
 public:
  /// `batch` and `examples` are positive.
  BatchOrder(std::size_t examples, std::size_t batch, std::uint64_t seed)
      : examples_(examples), batch_(batch), seed_(seed) {}

  std::int64_t steps_per_epoch() const {
    return static_cast<std::int64_t>((examples_ + batch_ - 1) / batch_);
  }
  /// The examples of step `step`, counted from 0, in the order in which they are drawn.
  std::vector<std::size_t> Batch(std::int64_t step);

 private:
  std::size_t examples_, batch_;
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;  // whose order is kept
  std::vector<std::size_t> order_;
};

/// Every ranks-th of a batch, from `rank` on.
std::vector<std::size_t> ShareOf(std::span<const std::size_t> batch, int rank, int ranks);

/// Cuts a list of examples into passes of at most `most_tokens` tokens, or of one example where it
/// alone has more. Calls use(examples of the pass) in order.
void ForEachPass(std::span<const std::size_t> examples, std::size_t most_tokens,
                 FunctionRef<std::size_t(std::size_t example)> tokens,
                 FunctionRef<void(std::span<const std::size_t>)> use);

}  // namespace arena::train
