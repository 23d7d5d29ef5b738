#include "train/batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/rng.h"

namespace arena::train {

std::vector<std::size_t> BatchOrder::Batch(std::int64_t step) {
  const std::int64_t epoch = step / steps_per_epoch();
  if (epoch != epoch_) {
    epoch_ = epoch;
    order_.resize(examples_);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    Rng rng(seed_, static_cast<std::uint64_t>(epoch));
    for (std::size_t i = examples_; i > 1; --i) std::swap(order_[i - 1], order_[rng.Below(i)]);
  }
  const std::size_t begin = static_cast<std::size_t>(step % steps_per_epoch()) * batch_;
  const std::size_t end = std::min(begin + batch_, examples_);
  return {order_.begin() + static_cast<std::ptrdiff_t>(begin),
          order_.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::vector<std::size_t> ShareOf(std::span<const std::size_t> batch, int rank, int ranks) {
  std::vector<std::size_t> share;
  for (auto i = static_cast<std::size_t>(rank); i < batch.size();
       i += static_cast<std::size_t>(ranks)) {
    share.push_back(batch[i]);
  }
  return share;
}

void ForEachPass(std::span<const std::size_t> examples, std::size_t most_tokens,
                 FunctionRef<std::size_t(std::size_t example)> tokens,
                 FunctionRef<void(std::span<const std::size_t>)> use) {
  std::size_t begin = 0, sum = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::size_t count = tokens(examples[i]);
    if (i > begin && sum + count > most_tokens) {
      use(examples.subspan(begin, i - begin));
      begin = i;
      sum = 0;
    }
    sum += count;
  }
  if (begin < examples.size()) use(examples.subspan(begin));
}

}  // namespace arena::train
