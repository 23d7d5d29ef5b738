// Recorded verdicts of other tools (and ours) as battles.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/battle.h"
#include "formats/byte_stream.h"
#include "formats/reading.h"

namespace arena {

enum class VerdictFormat {
  kArena,       ///< `arena export --format jsonl`
  kAlpacaEval,  ///< annotations.json(l)
  kLmsys,       ///< model_a, model_b, winner as JSON, JSONL or CSV; 140k and 55k releases too
  kFastChat,    ///< pair and single judgments (told apart row by row)
  kArenaHard,   ///< v0.1 and v2 judgments (told apart row by row)
};
std::string_view VerdictFormatName(VerdictFormat format);  ///< as in `arena rank --format`
std::optional<VerdictFormat> ParseVerdictFormat(std::string_view name);

struct VerdictOptions {
  ReadOptions read;
  /// FastChat single judgments: scores nearer than this are a tie.
  double score_tie_delta = 0.1;
  /// arena-hard v0.1 rows do not name the baseline.
  std::string baseline = "gpt-4-0314";
  /// lmsys CSV/JSON: other column names, canonical -> actual ("winner" -> "vote").
  std::map<std::string, std::string> columns;
};

/// The outcome options with which the format's own tool rates its files.
OutcomeOptions DefaultOutcome(VerdictFormat format);

/// Streams every battle of the files, in order, to `sink`. `.gz` and `.zst` are read as they are.
/// Unknown winner labels are errors with file and line, and so is a battle of a model with itself.
/// Memory is bounded by the longest row, in a JSON array too; only the scores of FastChat single
/// judgments are kept (they are paired at the end, over all files).
Result<ReadReport> ReadVerdicts(VerdictFormat format, std::span<const std::filesystem::path> files,
                                const VerdictOptions& options, BattleSink sink);
/// The same over files or bytes in memory.
Result<ReadReport> ReadVerdictSources(VerdictFormat format, std::span<const InputSource> sources,
                                      const VerdictOptions& options, BattleSink sink);

}  // namespace arena
