// Writing battles for other tools.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/battle.h"
#include "core/conversation.h"
#include "core/game.h"

namespace arena {

enum class ExportFormat {
  kJsonl,      ///< ours, complete; read back by `rank --format arena`
  kCsv,        ///< one row per battle; read back by `rank --format lmsys`
  kLmsys,      ///< model_a, model_b, winner, ... JSONL
  kFastChat,   ///< pair judgments
  kArenaHard,  ///< v2 judgments; needs a baseline
};
std::string_view ExportFormatName(ExportFormat format);
std::optional<ExportFormat> ParseExportFormat(std::string_view name);

/// A battle with all that the formats may need. Owned by the caller for the time of the call.
struct ExportedBattle {
  std::string battle_key;
  Instruction instruction;
  std::string model_a;
  std::string model_b;
  std::string judge;
  std::vector<std::string> turns_a;
  std::vector<std::string> turns_b;
  BattleRecord record;                      ///< its views may point into this object
  std::array<std::string, 2> explanations;  ///< of games[0] and games[1]
  RatedResults rated;                       ///< after the policy
};

struct ExportOptions {
  std::string baseline;  ///< kArenaHard: battles without it are an error
};

/// Writes a stream of battles, as UTF-8 (bytes that are not become U+FFFD), in the order given.
/// docs/formats/exports.md describes every format. Not thread-safe; `out` must outlive it.
class BattleWriter {
 public:
  virtual ~BattleWriter() = default;
  /// Errors: a battle that the format cannot hold (no baseline, one game where two are needed), a
  /// failed stream. What was written before an error stays.
  virtual Status Write(const ExportedBattle& battle) = 0;
  /// Must be called once at the end; reports a failed stream.
  virtual Status Finish() = 0;
  /// How many battles the format had no way to say, so far: void ones in kCsv and kLmsys.
  virtual std::int64_t left_out() const = 0;
};
std::unique_ptr<BattleWriter> MakeBattleWriter(ExportFormat format, const ExportOptions& options,
                                               std::ostream& out);

}  // namespace arena
