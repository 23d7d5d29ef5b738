// LMSYS battles: one row a battle, the winner after the outcome policy.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

// The arena's own files split headers by level and lists by kind; whoever reads them adds them up.
void AddStyle(Json& metadata, const StyleCounts& style, const std::string& side) {
  metadata["sum_assistant_" + side + "_tokens"] = NumberJson(style.tokens);
  metadata["header_count_" + side] = {{"all", NumberJson(style.headers)}};
  metadata["list_count_" + side] = {{"all", NumberJson(style.lists)}};
  metadata["bold_count_" + side] = {{"all", NumberJson(style.bold)}};
}

}  // namespace

ExportRow LmsysRow(const ExportedBattle& battle, const ExportOptions&) {
  const auto share_a = PolicyShare(battle.rated);
  if (!share_a) return std::optional<Json>();
  const BattleRecord& record = battle.record;
  Json row;
  row["question_id"] = ExportedId(battle);
  row["model_a"] = battle.model_a;
  row["model_b"] = battle.model_b;
  row["winner"] = WinnerLabel(*share_a);
  row["judge"] = battle.judge;
  row["turn"] = std::max<std::size_t>(battle.turns_a.size(), 1);
  row["anony"] = true;
  if (!record.language.empty()) row["language"] = record.language;
  if (const auto category = ExportedCategory(battle); !category.empty()) row["category"] = category;
  row["tstamp"] = std::isfinite(record.time) ? Json(record.time) : Json(nullptr);
  row["conversation_a"] = ConversationJson(battle.instruction, battle.turns_a);
  row["conversation_b"] = ConversationJson(battle.instruction, battle.turns_b);
  if (record.style_a && record.style_b) {
    Json metadata;
    AddStyle(metadata, *record.style_a, "a");
    AddStyle(metadata, *record.style_b, "b");
    row["conv_metadata"] = std::move(metadata);
  }
  return std::optional<Json>(std::move(row));
}

}  // namespace arena
