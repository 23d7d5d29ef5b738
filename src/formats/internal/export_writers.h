// What the writers of the export formats share.
#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "formats/export.h"

namespace arena {

/// The row of a battle in a JSONL format; nothing where the format has no way to say it.
using ExportRow = Result<std::optional<Json>>;

ExportRow ArenaRow(const ExportedBattle& battle, const ExportOptions& options);
ExportRow LmsysRow(const ExportedBattle& battle, const ExportOptions& options);
ExportRow FastChatRow(const ExportedBattle& battle, const ExportOptions& options);
ExportRow ArenaHardRow(const ExportedBattle& battle, const ExportOptions& options);

std::unique_ptr<BattleWriter> MakeCsvWriter(std::ostream& out);

/// What formats without keys call the instruction: its id, else its identity in the record, else
/// its key.
std::string ExportedId(const ExportedBattle& battle);

/// The record's category, else the instruction's; empty where there is none.
std::string_view ExportedCategory(const ExportedBattle& battle);

/// Model A's share after the policy: the weighted mean of the rated results, 1/2 exactly for a tie.
/// Nothing for a void battle.
std::optional<double> PolicyShare(const RatedResults& rated);

/// "model_a", "model_b" or "tie" for model A's share.
std::string_view WinnerLabel(double share_a);

/// The last user turn: what the judged answers answer.
std::string_view ExportedPrompt(const ExportedBattle& battle);

/// The game in which model A sits first, or in which model B does. Error: the battle has not
/// exactly one of each, which formats of two games need.
Result<std::size_t> GameWithFirstSeat(const ExportedBattle& battle, bool a_first);

/// The messages of one contestant's conversation: the instruction's, with an answer after each user
/// turn.
Json ConversationJson(const Instruction& instruction, const std::vector<std::string>& turns);

/// A number, without a fraction where it has none.
Json NumberJson(double number);

/// Reports a stream that no longer takes bytes.
Status CheckStream(const std::ostream& out);

}  // namespace arena
