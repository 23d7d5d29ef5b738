#include "curate/duplicates.h"

#include <fmt/format.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "base/parallel.h"
#include "curate/words.h"

namespace arena {
namespace {

constexpr std::size_t kSetBytes = 16;  // of a set in ShingleSets, without its shingles

std::string_view BytesOf(std::span<const std::uint64_t> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

// Removes every item that comes later in `keep_order` than one with the same key. `key_of` returns
// nothing for items that have none.
template <typename KeyOf>
Result<std::vector<Removal>> RemoveEqualKeys(const KeptPool& pool,
                                             const std::vector<std::uint32_t>& keep_order,
                                             const std::string& reason, KeyOf key_of) {
  std::unordered_map<std::uint32_t, Key> keys;
  keys.reserve(keep_order.size());
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    std::vector<std::optional<Key>> found(batch.texts.size());
    constexpr std::size_t kPart = 256;
    ParallelFor((found.size() + kPart - 1) / kPart, 0, [&](std::size_t part) {
      const std::size_t end = std::min((part + 1) * kPart, found.size());
      for (std::size_t i = part * kPart; i < end; ++i) found[i] = key_of(batch.texts[i]);
    });
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i]) keys.emplace(batch.items[i], *found[i]);
    }
    return {};
  }));
  std::unordered_map<Key, std::uint32_t, KeyHash> kept;
  std::vector<Removal> removals;
  for (const std::uint32_t item : keep_order) {
    const auto key = keys.find(item);
    if (key == keys.end()) continue;
    const auto [first, is_new] = kept.emplace(key->second, item);
    if (!is_new) removals.push_back({item, reason, first->second, false, 1});
  }
  return removals;
}

std::optional<Key> WordsKey(std::string_view text) {
  std::vector<std::uint64_t> words;
  AppendWordHashes(text, words);
  if (words.empty()) return KeyBuilder("bytes").Add(text).Build();
  return KeyBuilder("words").Add(BytesOf(words)).Build();
}

std::optional<Key> PrefixKey(std::string_view text, const PrefixOptions& options) {
  const auto size = static_cast<std::size_t>(options.size);
  if (options.unit == ShingleUnit::kWords) {
    std::vector<std::uint64_t> words;
    AppendWordHashes(text, words);
    if (words.size() < size) return std::nullopt;
    return HashBytes(BytesOf(std::span(words).first(size)));
  }
  const std::string normalized = NormalizedText(text);
  std::size_t end = 0;
  for (std::size_t points = 0; points < size; ++points) {
    if (end == normalized.size()) return std::nullopt;
    U8_FWD_1_UNSAFE(normalized.data(), end);
  }
  return HashBytes(std::string_view(normalized).substr(0, end));
}

// Of the tables for one kept item, as near_duplicates.h says.
std::size_t TableBytes(const NearDuplicateOptions& options) {
  constexpr std::size_t kBytesPerBand = 16;
  return kBytesPerBand * static_cast<std::size_t>(BandsOf(options).bands);
}

std::size_t Budget(const NearStepOptions& options) {
  return static_cast<std::size_t>(options.memory_mb) << 20;
}

Result<ShingleSets> CollectShingles(const KeptPool& pool, const NearStepOptions& options) {
  constexpr std::size_t kWaiting = std::size_t{64} << 20;  // bytes of sets, before they are spilled
  const auto folder =
      options.spill_folder.empty() ? std::filesystem::temp_directory_path() : options.spill_folder;
  const std::size_t table_bytes = TableBytes(options.near);
  ShingleSets sets;
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    sets.Add(batch.texts, options.shingles, options.near.threads);
    const std::size_t needed = sets.bytes() + sets.size() * table_bytes;
    const bool is_due = sets.is_spilled() ? sets.bytes() > sets.size() * kSetBytes + kWaiting
                                          : needed > Budget(options);
    return is_due ? sets.Spill(folder) : Status{};
  }));
  if (sets.is_spilled()) ARENA_RETURN_IF_ERROR(sets.Spill(folder));
  return sets;
}

// The options with as many items in the tables as the budget has room for beside the sets.
NearDuplicateOptions WithinBudget(NearDuplicateOptions near, const ShingleSets& sets,
                                  std::size_t budget) {
  const std::size_t left = budget > sets.bytes() ? budget - sets.bytes() : 0;
  const std::size_t most = left / TableBytes(near);
  if (most < sets.size()) near.most_in_tables = std::max<std::size_t>(most, 1);
  return near;
}

}  // namespace

Result<std::vector<Removal>> RemoveExactDuplicates(const KeptPool& pool,
                                                   const std::vector<std::uint32_t>& keep_order) {
  return RemoveEqualKeys(pool, keep_order, "the same words", WordsKey);
}

Result<std::vector<Removal>> RemoveSharedPrefixes(const KeptPool& pool,
                                                  const std::vector<std::uint32_t>& keep_order,
                                                  const PrefixOptions& options) {
  const std::string reason =
      fmt::format("the same first {} {}", options.size, ShingleUnitName(options.unit));
  return RemoveEqualKeys(pool, keep_order, reason,
                         [&](std::string_view text) { return PrefixKey(text, options); });
}

Result<NearStepResult> RemoveNearDuplicates(const KeptPool& pool,
                                            const std::vector<std::uint32_t>& keep_order,
                                            const NearStepOptions& options) {
  ARENA_ASSIGN_OR_RETURN(const ShingleSets sets, CollectShingles(pool, options));
  // Sets are numbered by the kept items' order in the pool.
  std::vector<std::uint32_t> items = keep_order;
  std::sort(items.begin(), items.end());
  std::vector<std::uint32_t> order;
  for (const std::uint32_t item : keep_order) {
    const auto place = std::lower_bound(items.begin(), items.end(), item) - items.begin();
    order.push_back(static_cast<std::uint32_t>(place));
  }
  NearStepResult result;
  const std::size_t budget = Budget(options);
  for (const NearDuplicate& found :
       FindNearDuplicates(sets, order, WithinBudget(options.near, sets, budget))) {
    result.removals.push_back(
        {items[found.document],
         fmt::format("Jaccard similarity of at least {}", options.near.threshold),
         items[found.kept], false, found.similarity});
  }
  const auto removed = static_cast<std::int64_t>(result.removals.size());
  result.curve.push_back({options.near.threshold, removed});
  for (const double threshold : options.curve_thresholds) {
    if (threshold == options.near.threshold) continue;
    NearDuplicateOptions other = options.near;
    other.threshold = threshold;
    const auto count = FindNearDuplicates(sets, order, WithinBudget(other, sets, budget)).size();
    result.curve.push_back({threshold, static_cast<std::int64_t>(count)});
  }
  std::sort(result.curve.begin(), result.curve.end(),
            [](const CurvePoint& a, const CurvePoint& b) { return a.threshold < b.threshold; });
  return result;
}

}  // namespace arena
