#include "flywheel/internal/rows.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace arena::flywheel {
namespace {

// The prompt that ends with the last question, with the answers that came before it.
Conversation PromptOf(const Instruction& instruction, const std::vector<std::string>& turns) {
  return WithAnswers(instruction, std::span(turns).first(turns.size() - 1));
}

void AddInstruction(const BattleDetail& detail, const Candidate& candidate, Json& json) {
  json["battle"] = detail.battle.key.Hex();
  json["instruction"] = detail.battle.instruction.Hex();
  if (!detail.instruction.id.empty()) json["instruction_id"] = detail.instruction.id;
  if (!detail.instruction.category.empty()) json["category"] = detail.instruction.category;
  if (!std::isnan(candidate.difficulty)) json["difficulty"] = candidate.difficulty;
}

void AddGame(const std::optional<Game>& game, const std::string& first, const std::string& second,
             Json& games) {
  if (!game || game->state != WorkState::kDone) return;
  games.push_back({{"game", game->key.Hex()},
                   {"first", first},
                   {"second", second},
                   {"score_first", game->verdict.score_first},
                   {"score_second", game->verdict.score_second}});
}

Json GamesJson(const BattleDetail& detail) {
  Json games = Json::array();
  const std::string& a = detail.contestant_a.name;
  const std::string& b = detail.contestant_b.name;
  AddGame(detail.game_ab, a, b, games);
  AddGame(detail.game_ba, b, a, games);
  return games;
}

}  // namespace

std::vector<SelectedRow> RowsOf(const BattleDetail& detail, const Candidate& candidate,
                                const SelectionSettings& settings) {
  const auto turns_of = [&](const Answer& answer) {
    return TrainableTurns(detail.instruction, answer, settings.with_reasoning)
        .value_or(std::vector<std::string>(1));
  };
  const bool is_a = candidate.answer_is_a;
  const std::vector<std::string> answer = turns_of(is_a ? detail.answer_a : detail.answer_b);
  const std::vector<std::string> other = turns_of(is_a ? detail.answer_b : detail.answer_a);
  const std::string& winner = is_a ? detail.contestant_a.name : detail.contestant_b.name;
  const std::string& loser = is_a ? detail.contestant_b.name : detail.contestant_a.name;
  SelectedRow row;
  row.example.prompt = PromptOf(detail.instruction, answer);
  if (settings.kind == TrainingKind::kPpo) {
    // The target goes on from what it said itself.
    if (loser == settings.target) row.example.prompt = PromptOf(detail.instruction, other);
    return {row};
  }
  row.answer_from = winner;
  row.example.answer = answer.back();
  if (IsPreference(settings.kind)) {
    row.example.rejected = other.back();
    row.example.is_rejected_cut = IsCut(is_a ? detail.answer_b : detail.answer_a);
    row.example.margin = candidate.margin();
  }
  if (settings.kind != TrainingKind::kKto) return {row};
  SelectedRow undesirable;
  undesirable.example.prompt = PromptOf(detail.instruction, other);
  undesirable.example.answer = other.back();
  undesirable.example.is_desirable = false;
  undesirable.answer_from = loser;
  return {std::move(row), std::move(undesirable)};
}

Json ProvenanceJson(const BattleDetail& detail, const Candidate& candidate, const SelectedRow& row,
                    const SelectionSettings& settings) {
  Json json;
  AddInstruction(detail, candidate, json);
  json["asked"] = AskedKey(detail.instruction.conversation).Hex();
  json["by"] = SelectionRuleName(settings.by);
  json["target"] = settings.target;
  json["judge"] = detail.judge.name;
  if (!row.answer_from.empty()) json["answer_from"] = row.answer_from;
  const bool is_a = candidate.answer_is_a;
  const std::string& winner = is_a ? detail.contestant_a.name : detail.contestant_b.name;
  const std::string& loser = is_a ? detail.contestant_b.name : detail.contestant_a.name;
  json["chosen"] = winner;
  json["against"] = loser;
  if (!candidate.is_void) {
    json["chosen_score"] = candidate.answer_score();
    json["against_score"] = candidate.answer_score() - candidate.margin();
    json["margin"] = candidate.margin();
    json["disagreement"] = candidate.disagree;
  }
  json["games"] = GamesJson(detail);
  return json;
}

Json DroppedJson(const BattleDetail& detail, const Candidate& candidate) {
  Json json;
  AddInstruction(detail, candidate, json);
  json["model_a"] = detail.contestant_a.name;
  json["model_b"] = detail.contestant_b.name;
  if (!candidate.is_void) {
    json["score_a"] = candidate.score_a;
    json["score_b"] = candidate.score_b;
    json["disagreement"] = candidate.disagree;
  }
  json["reason"] = FateName(candidate.fate);
  return json;
}

}  // namespace arena::flywheel
