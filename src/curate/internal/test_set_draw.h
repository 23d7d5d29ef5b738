// Which items of each cluster a test set takes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "curate/test_set_build.h"

namespace arena {

/// Items by their number, cluster by cluster.
struct TestSetDraw {
  std::vector<std::uint32_t> diverse;
  std::vector<std::uint32_t> candidates;  ///< for Hard; none of them is in `diverse`
  std::vector<std::string> notes;         ///< what is not as it was asked for
};

/// Draws by the seed and the items' keys alone: first Diverse, then the candidates from what is
/// left. What short clusters cannot give, those with the most left give, one more each in turn; the
/// candidates are filled up to `settings.hard` only, as each costs a rating.
TestSetDraw DrawTestSet(std::span<const std::uint32_t> cluster_of, std::size_t clusters,
                        std::span<const Key> keys, const TestSetSettings& settings);

}  // namespace arena
