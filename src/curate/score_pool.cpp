#include "curate/score_pool.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/output_file.h"
#include "curate/internal/pool_row.h"

namespace arena {
namespace {

constexpr std::size_t kScoredAtOnce = 256;

void SetScore(PoolItem& item, const std::string& name, std::optional<double> value) {
  std::erase_if(item.scores, [&](const InstructionScore& score) { return score.name == name; });
  if (value) item.scores.push_back({name, *value});
}

void Count(double value, ScoredColumn& column) {
  column.least = column.rated == 0 ? value : std::min(column.least, value);
  column.most = column.rated == 0 ? value : std::max(column.most, value);
  ++column.rated;
  column.mean += (value - column.mean) / static_cast<double>(column.rated);
}

}  // namespace

Result<ScorePoolReport> ScorePool(const PoolSource& pool, std::span<const std::string> file_names,
                                  std::span<const ScoreColumn> columns,
                                  const std::filesystem::path& out,
                                  const std::function<void(std::int64_t)>& on_items) {
  ScorePoolReport report;
  for (const ScoreColumn& column : columns) {
    report.columns.push_back({.name = column.name, .rater = column.rater->name()});
  }
  ARENA_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(out));
  std::vector<PoolItem> items;
  const auto flush = [&]() -> Status {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      ARENA_ASSIGN_OR_RETURN(const auto ratings, columns[c].rater->Rate(items));
      for (std::size_t i = 0; i < items.size(); ++i) {
        SetScore(items[i], columns[c].name, ratings[i]);
        if (ratings[i]) Count(*ratings[i], report.columns[c]);
      }
    }
    for (const PoolItem& item : items) {
      ARENA_RETURN_IF_ERROR(file.Write(DumpJson(PoolRow(item, file_names[item.file])) + "\n"));
    }
    report.items += static_cast<std::int64_t>(items.size());
    items.clear();
    on_items(report.items);
    return {};
  };
  ARENA_RETURN_IF_ERROR(pool([&](const PoolItem& item) -> Status {
    items.push_back(item);
    return items.size() == kScoredAtOnce ? flush() : Status();
  }));
  if (!items.empty()) ARENA_RETURN_IF_ERROR(flush());
  if (report.items == 0) return InvalidInput("the pool has no items");
  ARENA_RETURN_IF_ERROR(file.Commit());
  return report;
}

}  // namespace arena
