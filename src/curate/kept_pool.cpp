#include "curate/kept_pool.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

namespace arena {
namespace {

constexpr std::size_t kBatchItems = 8192;
constexpr std::size_t kBatchBytes = std::size_t{16} << 20;

Error PoolChanged() {
  return InvalidInput(
      "the pool has changed while it was curated; run again when nothing writes to the inputs");
}

}  // namespace

Result<PoolIndex> IndexPool(const PoolSource& pool) {
  PoolIndex index;
  std::unordered_map<std::string, std::uint32_t> numbers;
  ARENA_RETURN_IF_ERROR(pool([&](const PoolItem& item) -> Status {
    if (index.items.size() == Removal::kNothing - 1) {
      return InvalidInput("the pool has more than 4,294,967,294 items; curate it in parts");
    }
    const auto [entry, is_new] =
        numbers.emplace(item.category, static_cast<std::uint32_t>(numbers.size()));
    if (is_new) index.categories.push_back(item.category);
    index.items.push_back({item.file, entry->second, item.line,
                           PromptText(item.conversation).size(),
                           item.score.value_or(-std::numeric_limits<double>::infinity()), item.id});
    return {};
  }));
  return index;
}

Status KeptPool::ForEach(FunctionRef<Status(std::uint32_t, const PoolItem&)> sink) const {
  std::uint32_t next = 0;
  ARENA_RETURN_IF_ERROR(source_([&](const PoolItem& item) -> Status {
    if (next == is_kept_.size()) return PoolChanged();
    const std::uint32_t number = next++;
    if (!is_kept_[number]) return {};
    return sink(number, item);
  }));
  if (next != is_kept_.size()) return PoolChanged();
  return {};
}

Status KeptPool::ForEachBatch(FunctionRef<Status(const TextBatch&)> sink) const {
  std::vector<std::uint32_t> items;
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  const auto flush = [&]() -> Status {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    ARENA_RETURN_IF_ERROR(sink({items, views}));
    items.clear();
    texts.clear();
    bytes = 0;
    return {};
  };
  ARENA_RETURN_IF_ERROR(ForEach([&](std::uint32_t number, const PoolItem& item) -> Status {
    items.push_back(number);
    texts.push_back(PromptText(item.conversation));
    bytes += texts.back().size();
    if (items.size() == kBatchItems || bytes >= kBatchBytes) return flush();
    return {};
  }));
  if (items.empty()) return {};
  return flush();
}

std::string_view KeepPolicyName(KeepPolicy policy) {
  switch (policy) {
    case KeepPolicy::kFirst:
      return "first";
    case KeepPolicy::kLongest:
      return "longest";
    case KeepPolicy::kBest:
      return "best";
  }
  return "first";
}

std::optional<KeepPolicy> ParseKeepPolicy(std::string_view name) {
  for (const auto policy : {KeepPolicy::kFirst, KeepPolicy::kLongest, KeepPolicy::kBest}) {
    if (KeepPolicyName(policy) == name) return policy;
  }
  return std::nullopt;
}

std::vector<std::uint32_t> KeepOrder(const PoolIndex& index, const std::vector<bool>& is_kept,
                                     KeepPolicy policy) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < is_kept.size(); ++i) {
    if (is_kept[i]) order.push_back(i);
  }
  const auto& items = index.items;
  if (policy == KeepPolicy::kLongest) {
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return items[a].prompt_bytes > items[b].prompt_bytes;
    });
  } else if (policy == KeepPolicy::kBest) {
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return items[a].score > items[b].score;
    });
  }
  return order;
}

}  // namespace arena
