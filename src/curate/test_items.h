// The step that keeps a test set out of the pool.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "curate/kept_pool.h"
#include "curate/shingles.h"

namespace arena {

struct TestItemOptions {
  ShingleOptions shingles;
  double threshold = 0.4;  ///< Jaccard similarity, above 0
  unsigned threads = 0;
};

/// Removes every item whose shingles have a Jaccard similarity of `threshold` or more with a test
/// item's; of texts without any word, those that are equal to one. The most similar test item is
/// named, then the first. Exact: each shingle of the test set is looked up, nothing is sampled.
/// Memory: about 20 bytes for each shingle of the test set.
Result<std::vector<Removal>> RemoveTestItems(const KeptPool& pool,
                                             std::span<const std::string> test_set,
                                             const TestItemOptions& options);

}  // namespace arena
