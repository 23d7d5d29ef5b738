// The part of a pool that earlier steps have left, for the steps of curation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/pool_item.h"

namespace arena {

/// What is remembered of each item while its text is not in memory.
struct ItemInfo {
  std::uint32_t file = 0;
  std::uint32_t category = 0;  ///< number in PoolIndex::categories
  std::int64_t line = 0;
  std::uint64_t prompt_bytes = 0;
  double score = 0;  ///< minus infinity where the data has none
  std::string id;    ///< may be empty
};

/// Every item of a pool, in its order.
struct PoolIndex {
  std::vector<ItemInfo> items;
  std::vector<std::string> categories;  ///< in the order in which they were met
};

/// Goes through the pool once. Errors: those of the source; more than 2^32 - 2 items.
Result<PoolIndex> IndexPool(const PoolSource& pool);

/// Texts of items that follow each other in the pool.
struct TextBatch {
  std::span<const std::uint32_t> items;     ///< their numbers in the pool
  std::span<const std::string_view> texts;  ///< PromptText of each
};

/// A view of the items that are kept. Does not own what it refers to; not thread-safe.
class KeptPool {
 public:
  /// `is_kept` has one element for each item of the pool.
  KeptPool(const PoolSource& source, const std::vector<bool>& is_kept)
      : source_(source), is_kept_(is_kept) {}

  /// Calls `sink` with the number of each kept item and the item. Errors: those of the source and
  /// of the sink; a pool that has become shorter or longer.
  Status ForEach(FunctionRef<Status(std::uint32_t, const PoolItem&)> sink) const;

  /// The same in batches of texts, at most 8192 and about 16 MB.
  Status ForEachBatch(FunctionRef<Status(const TextBatch&)> sink) const;

 private:
  const PoolSource& source_;
  const std::vector<bool>& is_kept_;
};

/// One item that a step removes.
struct Removal {
  static constexpr std::uint32_t kNothing = UINT32_MAX;

  std::uint32_t item = 0;
  std::string reason;                ///< a sentence's worth, for people
  std::uint32_t matched = kNothing;  ///< what it resembles: a kept item, or a benchmark's
  bool is_benchmark = false;         ///< what `matched` counts
  double similarity = 0;             ///< with `matched`
  bool operator==(const Removal&) const = default;
};

/// Which of several duplicates stays.
enum class KeepPolicy {
  kFirst,    ///< the first in the pool
  kLongest,  ///< the longest prompt in bytes, then the first
  kBest,     ///< the best score (those without one last), then the first
};
std::string_view KeepPolicyName(KeepPolicy policy);
std::optional<KeepPolicy> ParseKeepPolicy(std::string_view name);

/// The kept items, those first that stay before others.
std::vector<std::uint32_t> KeepOrder(const PoolIndex& index, const std::vector<bool>& is_kept,
                                     KeepPolicy policy);

}  // namespace arena
