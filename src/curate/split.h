// Dealing the kept items out to shards.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace arena {

struct SplitOptions {
  int shards = 9;             ///< D1 to DN, equal within one item
  std::int64_t d0_size = -1;  ///< items of D0; -1: as many as a shard has
  std::uint64_t seed = 1;
};

/// A shard for each of the items: 0 is D0. `strata` gives each item's stratum (empty: one for all);
/// each stratum is spread evenly over the shards, within one item, D0 within two. Which items of a
/// stratum go where is drawn by the seed. D0 takes at most all items.
std::vector<std::uint16_t> SplitItems(std::size_t items, std::span<const std::uint32_t> strata,
                                      const SplitOptions& options);

}  // namespace arena
