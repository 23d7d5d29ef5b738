// FastChat pair judgments: model_1 sits first in game 1, second in game 2.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

std::string_view FastChatLabel(const GameOutcome& game) {
  if (game.is_void) return "error";
  return game.share_a > 0.5 ? "model_1" : game.share_a < 0.5 ? "model_2" : "tie";
}

// FastChat's own ids are numbers, and its tools look questions up by the same type.
Json QuestionId(const std::string& id) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool canonical =
      error == std::errc() && end == id.data() + id.size() && std::to_string(number) == id;
  return canonical ? Json(number) : Json(id);
}

}  // namespace

ExportRow FastChatRow(const ExportedBattle& battle, const ExportOptions&) {
  const BattleRecord& record = battle.record;
  ARENA_ASSIGN_OR_RETURN(const std::size_t game_1, GameWithFirstSeat(battle, true));
  const std::size_t game_2 = 1 - game_1;
  const std::string_view prompt = ExportedPrompt(battle);
  Json row;
  row["question_id"] = QuestionId(ExportedId(battle));
  row["model_1"] = battle.model_a;
  row["model_2"] = battle.model_b;
  row["g1_winner"] = FastChatLabel(record.games[game_1]);
  row["g2_winner"] = FastChatLabel(record.games[game_2]);
  row["judge"] = Json::array({battle.judge, "arena"});
  row["g1_user_prompt"] = prompt;
  row["g1_judgment"] = battle.explanations[game_1];
  row["g2_user_prompt"] = prompt;
  row["g2_judgment"] = battle.explanations[game_2];
  row["turn"] = std::max<std::size_t>(battle.turns_a.size(), 1);
  row["tstamp"] = std::isfinite(record.time) ? Json(record.time) : Json(nullptr);
  return std::optional<Json>(std::move(row));
}

}  // namespace arena
