// Our own format, complete: docs/formats/battles-jsonl.md.
#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

Json GameJson(const GameOutcome& game, const std::string& explanation) {
  Json json;
  json["first"] = game.a_first ? "a" : "b";
  if (game.is_void) {
    json["void"] = true;
    if (game.cause != FailureKind::kNone) json["void_cause"] = FailureKindName(game.cause);
  } else {
    if (game.has_scores) {
      json["score_a"] = NumberJson(game.score_a);
      json["score_b"] = NumberJson(game.score_b);
    }
    json["share_a"] = NumberJson(game.share_a);
    if (game.strong) json["strong"] = true;
  }
  if (!explanation.empty()) json["explanation"] = explanation;
  return json;
}

Json StyleJson(const StyleCounts& style) {
  return {{"tokens", NumberJson(style.tokens)},
          {"headers", NumberJson(style.headers)},
          {"lists", NumberJson(style.lists)},
          {"bold", NumberJson(style.bold)}};
}

void AddText(Json& row, const char* name, std::string_view text) {
  if (!text.empty()) row[name] = text;
}

void AddAnswer(Json& row, const std::string& side, const std::vector<std::string>& turns,
               std::string_view recorded_text) {
  if (turns.empty()) {
    AddText(row, ("answer_" + side).c_str(), recorded_text);
    return;
  }
  row["answer_" + side] = turns.back();
  if (turns.size() > 1) row["turns_" + side] = turns;
}

}  // namespace

ExportRow ArenaRow(const ExportedBattle& battle, const ExportOptions&) {
  const BattleRecord& record = battle.record;
  Json row;
  AddText(row, "battle", battle.battle_key);
  if (record.instruction.empty()) {
    row["instruction"] = battle.instruction.key.Hex();
  } else {
    row["instruction"] = record.instruction;
  }
  AddText(row, "instruction_id", battle.instruction.id);
  AddText(row, "category", ExportedCategory(battle));
  AddText(row, "language", record.language);
  AddText(row, "judge", battle.judge);
  row["model_a"] = battle.model_a;
  row["model_b"] = battle.model_b;
  row["games"] = Json::array();
  for (std::size_t g = 0; g < static_cast<std::size_t>(record.game_count); ++g) {
    row["games"].push_back(GameJson(record.games[g], battle.explanations[g]));
  }
  if (std::isfinite(record.time)) row["time"] = record.time;
  if (!battle.instruction.conversation.empty()) {
    row["messages"] = ConversationJson(battle.instruction, {});
  }
  AddAnswer(row, "a", battle.turns_a, record.text_a);
  AddAnswer(row, "b", battle.turns_b, record.text_b);
  if (record.style_a) row["style_a"] = StyleJson(*record.style_a);
  if (record.style_b) row["style_b"] = StyleJson(*record.style_b);
  return std::optional<Json>(std::move(row));
}

}  // namespace arena
