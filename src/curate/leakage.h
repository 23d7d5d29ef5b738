// Steps that keep benchmarks out of the pool: nearest neighbours and shared n-grams.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/embedder.h"
#include "curate/kept_pool.h"

namespace arena {

struct NeighbourOptions {
  int neighbours = 5;  ///< of each benchmark item; at least 1
  /// Neighbours below this cosine stay; -1: none does. The default fits LexicalEmbedder
  /// (docs/adr/0008): another embedder needs its own.
  double least_similarity = 0.4;
  unsigned threads = 0;
};

/// Removes the items that are among the nearest neighbours (by cosine) of a benchmark item. Of
/// several benchmark items that lead to a removal, the most similar is named, then the first;
/// equally near neighbours are taken in the pool's order. The texts of the pool stay on disk; its
/// vectors are searched batch by batch (FAISS, exact).
Result<std::vector<Removal>> RemoveNeighbours(const KeptPool& pool,
                                              std::span<const std::string> benchmark,
                                              const Embedder& embedder,
                                              const NeighbourOptions& options);

struct OverlapOptions {
  int size = 13;     ///< words in a row; at least 1
  int shortest = 4;  ///< benchmark items of fewer words only match prompts that are equal
  unsigned threads = 0;
};

/// Which benchmark items share words with a text. Thread-safe after construction.
class OverlapIndex {
 public:
  OverlapIndex(std::span<const std::string> benchmark, const OverlapOptions& options);
  OverlapIndex(OverlapIndex&&) noexcept;
  ~OverlapIndex();

  /// The first benchmark item (in the benchmark's order) that has `size` words in a row in common
  /// with `text`, or, if it is shorter, all of whose words stand in a row in `text` (of which
  /// `text` consists, if it has fewer than `shortest`). Words are those of words.h.
  std::optional<std::size_t> Find(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Removes the items that OverlapIndex finds.
Result<std::vector<Removal>> RemoveOverlaps(const KeptPool& pool,
                                            std::span<const std::string> benchmark,
                                            const OverlapOptions& options);

}  // namespace arena
