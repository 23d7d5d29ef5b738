// Near-duplicates: MinHash finds the candidates, the exact Jaccard similarity decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "curate/lsh_bands.h"
#include "curate/shingles.h"

namespace arena {

struct NearDuplicateOptions {
  double threshold = 0.4;  ///< of the Jaccard similarity of shingle sets; in (0, 1)
  int permutations = 128;  ///< a multiple of 16, at most 1024
  /// Of ChooseLshBands. Candidates are checked, so a false positive only costs time, while a false
  /// negative leaves a duplicate in: at the default, 94% of the pairs at a similarity of 0.4 and
  /// 99.6% of those at 0.5 are candidates.
  double false_positive_weight = 0.1;
  std::uint64_t seed = 1;  ///< of the permutations
  unsigned threads = 0;    ///< 0: DefaultThreads()
  /// About so many documents are in the tables at once; 0: all. Of more, those that are left after
  /// them are gone through again for each further so many: the same result in more time.
  std::size_t most_in_tables = 0;
};

/// One document that is removed.
struct NearDuplicate {
  std::size_t document = 0;
  std::size_t kept = 0;   ///< the kept document that it resembles
  double similarity = 0;  ///< exact Jaccard similarity of the two; at least the threshold
  bool operator==(const NearDuplicate&) const = default;
};

/// The bands that the options lead to.
LshBands BandsOf(const NearDuplicateOptions& options);

/// Goes through the documents in `order` (each at most once) and removes a document if a document
/// kept before it is a candidate with a similarity of at least the threshold; of several, the
/// earliest in `order` is named. Everything else is kept: also a document that only resembles a
/// removed one. Documents without shingles are kept and resemble nothing. Returned in `order`; the
/// result does not depend on the number of threads. Takes 15-25 bytes for each document in the
/// tables and band beside the sets.
std::vector<NearDuplicate> FindNearDuplicates(const ShingleSets& sets,
                                              std::span<const std::uint32_t> order,
                                              const NearDuplicateOptions& options);

}  // namespace arena
