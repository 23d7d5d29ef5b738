#include "curate/test_items.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::size_t kTextsInPart = 64;

struct TestMatch {
  std::uint32_t test_item = 0;
  double similarity = 0;
};

// Which test items have each shingle.
class TestItemIndex {
 public:
  TestItemIndex(std::span<const std::string> test_set, const TestItemOptions& options)
      : options_(options) {
    Shingler shingler(options.shingles);
    for (std::uint32_t t = 0; t < test_set.size(); ++t) {
      const auto shingles = shingler.Shingles(test_set[t]);
      if (shingles.empty()) without_words_.emplace(test_set[t], t);
      for (const std::uint64_t shingle : shingles) items_with_[shingle].push_back(t);
      sizes_.push_back(shingles.size());
    }
  }

  // Scratch memory of one thread.
  struct Counts {
    explicit Counts(std::size_t test_items) : shared(test_items) {}
    std::vector<std::uint32_t> shared;  // shingles in common; zeros between two texts
    std::vector<std::uint32_t> met;
  };

  std::optional<TestMatch> Find(std::string_view text, std::span<const std::uint64_t> shingles,
                                Counts& counts) const {
    if (shingles.empty()) {
      const auto equal = without_words_.find(text);
      if (equal == without_words_.end()) return std::nullopt;
      return TestMatch{equal->second, 1};
    }
    for (const std::uint64_t shingle : shingles) {
      const auto found = items_with_.find(shingle);
      if (found == items_with_.end()) continue;
      for (const std::uint32_t t : found->second) {
        if (counts.shared[t]++ == 0) counts.met.push_back(t);
      }
    }
    std::optional<TestMatch> best;
    std::sort(counts.met.begin(), counts.met.end());
    for (const std::uint32_t t : counts.met) {
      const std::size_t shared = std::exchange(counts.shared[t], 0);
      const double similarity =
          static_cast<double>(shared) / static_cast<double>(shingles.size() + sizes_[t] - shared);
      if (similarity < options_.threshold) continue;
      if (!best || similarity > best->similarity) best = TestMatch{t, similarity};
    }
    counts.met.clear();
    return best;
  }

 private:
  const TestItemOptions& options_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> items_with_;
  std::unordered_map<std::string_view, std::uint32_t> without_words_;
  std::vector<std::size_t> sizes_;
};

}  // namespace

Result<std::vector<Removal>> RemoveTestItems(const KeptPool& pool,
                                             std::span<const std::string> test_set,
                                             const TestItemOptions& options) {
  std::vector<Removal> removals;
  if (test_set.empty()) return removals;
  const TestItemIndex index(test_set, options);
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    const std::size_t count = batch.texts.size();
    std::vector<std::optional<TestMatch>> matches(count);
    ParallelFor((count + kTextsInPart - 1) / kTextsInPart, options.threads, [&](std::size_t part) {
      Shingler shingler(options.shingles);
      TestItemIndex::Counts counts(test_set.size());
      const std::size_t end = std::min((part + 1) * kTextsInPart, count);
      for (std::size_t i = part * kTextsInPart; i < end; ++i) {
        matches[i] = index.Find(batch.texts[i], shingler.Shingles(batch.texts[i]), counts);
      }
    });
    for (std::size_t i = 0; i < count; ++i) {
      if (!matches[i]) continue;
      removals.push_back({batch.items[i],
                          matches[i]->similarity == 1 ? "in the test set" : "near a test item",
                          matches[i]->test_item, true, matches[i]->similarity});
    }
    return {};
  }));
  return removals;
}

}  // namespace arena
