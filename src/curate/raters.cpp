#include "curate/raters.h"

#include "curate/filters.h"

namespace arena {

Result<std::vector<std::optional<double>>> LengthRater::Rate(std::span<const PoolItem> items) {
  std::vector<std::optional<double>> ratings;
  for (const PoolItem& item : items) {
    ratings.emplace_back(
        static_cast<double>(PromptLength(PromptText(item.conversation), LengthUnit::kCharacters)));
  }
  return ratings;
}

Result<std::vector<std::optional<double>>> RecordedRater::Rate(std::span<const PoolItem> items) {
  std::vector<std::optional<double>> ratings;
  for (const PoolItem& item : items) ratings.push_back(item.score);
  return ratings;
}

}  // namespace arena
