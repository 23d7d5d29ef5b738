#include "curate/split.h"

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace arena {
namespace {

void Shuffle(std::vector<std::uint32_t>& values, Rng& rng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.Below(i)]);
}

}  // namespace

std::vector<std::uint16_t> SplitItems(std::size_t items, std::span<const std::uint32_t> strata,
                                      const SplitOptions& options) {
  Rng rng(options.seed);
  std::vector<std::uint32_t> order(items);
  std::iota(order.begin(), order.end(), 0U);
  Shuffle(order, rng);
  if (!strata.empty()) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return strata[a] < strata[b]; });
  }
  const auto shards = static_cast<std::size_t>(options.shards);
  std::size_t for_d0 = items / (shards + 1);
  if (options.d0_size >= 0) {
    for_d0 = std::min(static_cast<std::size_t>(options.d0_size), items);
  }
  if (shards == 0) for_d0 = items;
  // D0 takes every (items / for_d0)-th; the others are dealt one to each shard in turn.
  std::vector<std::uint16_t> shard_of(items);
  std::size_t taken = 0, dealt = 0;
  for (std::size_t i = 0; i < items; ++i) {
    if (taken * items < for_d0 * (i + 1) && taken < for_d0) {
      shard_of[order[i]] = 0;
      ++taken;
    } else {
      shard_of[order[i]] = static_cast<std::uint16_t>(1 + dealt++ % shards);
    }
  }
  return shard_of;
}

}  // namespace arena
