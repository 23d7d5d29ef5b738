// Scores of instructions as columns of a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/instruction_rater.h"
#include "core/pool_item.h"

namespace arena {

/// A column and who fills it.
struct ScoreColumn {
  std::string name;  ///< one of kInstructionScores
  InstructionRater* rater = nullptr;
};

struct ScoredColumn {
  std::string name;
  std::string rater;
  std::int64_t rated = 0;  ///< items that got a number
  double least = 0, mean = 0, most = 0;
};

struct ScorePoolReport {
  std::int64_t items = 0;
  std::vector<ScoredColumn> columns;
};

/// Writes every item of the pool, in order, with the columns added: OpenAI messages as in a shard,
/// so that the file is a pool and a file of instructions again. A score that the item had under the
/// same name is replaced; where there is no rating the column is absent. `file_names` are what
/// PoolItem::file counts. Reads 256 items at once; the file appears whole or not at all. Errors:
/// those of the pool and the raters; an empty pool; a file that cannot be written.
Result<ScorePoolReport> ScorePool(const PoolSource& pool, std::span<const std::string> file_names,
                                  std::span<const ScoreColumn> columns,
                                  const std::filesystem::path& out,
                                  const std::function<void(std::int64_t)>& on_items);

}  // namespace arena
