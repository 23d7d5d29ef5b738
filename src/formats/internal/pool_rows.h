// What the reader of pools makes of one row. Includes simdjson: for the .cpp files of this folder
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/pool_item.h"
#include "formats/csv.h"
#include "formats/internal/json_rows.h"

namespace arena {

/// Why nobody could be asked this; empty if all is well. A system message may only stand first, an
/// answer needs a question before it, and no question may be empty.
std::string ConversationProblem(const Conversation& conversation);

/// All but the file's number; the score is the number in `score_column`.
Result<PoolItem> PoolItemOf(const JsonRow& row, std::string_view score_column);

/// Which columns of a table hold what.
struct PoolColumns {
  std::optional<std::size_t> prompt, input, answer, id, category, score;
  std::vector<std::pair<std::string_view, std::size_t>> scores;  ///< of kInstructionScores
};
PoolColumns FindPoolColumns(const CsvReader& csv, std::string_view score_column);
/// All but the file's number; `columns.prompt` is set.
Result<PoolItem> PoolItemOf(const CsvReader& csv, const PoolColumns& columns);

}  // namespace arena
