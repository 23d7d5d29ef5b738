#include "cli/battle_detail.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "report/visible.h"

namespace arena {
namespace {

// Why there is no game: an answer that failed, where there is one.
FailureKind CauseOf(const BattleDetail& detail) {
  for (const Answer* answer : {&detail.answer_a, &detail.answer_b}) {
    if (answer->state == WorkState::kFailed) return answer->failure;
  }
  return FailureKind::kNone;
}

GameOutcome OutcomeOf(const BattleDetail& detail, const std::optional<Game>& game, bool a_first) {
  if (!game || game->state != WorkState::kDone) {
    return {.a_first = a_first, .is_void = true, .cause = game ? game->failure : CauseOf(detail)};
  }
  return ScoredGame(a_first, game->verdict.score_first, game->verdict.score_second);
}

void FillRecord(const BattleDetail& detail, ExportedBattle& battle) {
  BattleRecord& record = battle.record;
  record.instruction = battle.instruction.id.empty() ? std::string_view(battle.battle_key)
                                                     : std::string_view(battle.instruction.id);
  record.category = battle.instruction.category;
  record.judge = battle.judge;
  record.model_a = battle.model_a;
  record.model_b = battle.model_b;
  record.game_count = 2;
  record.games = {OutcomeOf(detail, detail.game_ab, true),
                  OutcomeOf(detail, detail.game_ba, false)};
  if (!battle.turns_a.empty()) record.text_a = battle.turns_a.back();
  if (!battle.turns_b.empty()) record.text_b = battle.turns_b.back();
  record.style_a = detail.answer_a.style;
  record.style_b = detail.answer_b.style;
}

}  // namespace

Status FillExport(const BattleDetail& detail, const OutcomeOptions& outcome,
                  ExportedBattle& battle) {
  battle.battle_key = detail.battle.key.Hex();
  battle.instruction = detail.instruction;
  battle.model_a = detail.contestant_a.name;
  battle.model_b = detail.contestant_b.name;
  battle.judge = detail.judge.name;
  battle.turns_a = detail.answer_a.turns;
  battle.turns_b = detail.answer_b.turns;
  battle.explanations = {detail.game_ab ? detail.game_ab->verdict.explanation : "",
                         detail.game_ba ? detail.game_ba->verdict.explanation : ""};
  FillRecord(detail, battle);
  ARENA_ASSIGN_OR_RETURN(battle.rated, Outcome(battle.record, outcome));
  return {};
}

Result<Json> BattleJson(const BattleDetail& detail, const OutcomeOptions& outcome) {
  ExportedBattle battle;
  ARENA_RETURN_IF_ERROR(FillExport(detail, outcome, battle));
  std::ostringstream row;
  const auto writer = MakeBattleWriter(ExportFormat::kJsonl, {}, row);
  ARENA_RETURN_IF_ERROR(writer->Write(battle));
  ARENA_RETURN_IF_ERROR(writer->Finish());
  return ParseJson(row.str());
}

std::string BattleLine(const BattleDetail& detail, const OutcomeOptions& outcome) {
  ExportedBattle battle;
  const Status filled = FillExport(detail, outcome, battle);
  std::string result = "void";
  if (!filled.ok()) {
    result = filled.error().message;
  } else if (battle.rated.count > 0) {
    const double share = battle.rated.results[0].share_a;
    result = share > 0.5   ? battle.model_a + " wins"
             : share < 0.5 ? battle.model_b + " wins"
                           : "tie";
  }
  const std::string& id = battle.instruction.id;
  return fmt::format("{}  {:12}  {} - {}: {}", battle.battle_key.substr(0, 12),
                     VisibleLine(id.empty() ? battle.instruction.source : id),
                     VisibleLine(battle.model_a), VisibleLine(battle.model_b), VisibleLine(result));
}

}  // namespace arena
