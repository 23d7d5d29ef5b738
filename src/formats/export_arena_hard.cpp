// arena-hard v2 judgments: every model against one baseline, which sits first in game 0.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

// A gap of this many points out of 1 to 10 is "much better".
constexpr double kStrongGap = 3;

// The label in the frame of the seats: A is whoever sits first.
Json SeatLabel(const GameOutcome& game) {
  if (game.is_void) return nullptr;
  if (game.share_a == 0.5) return "A=B";
  const bool first_won = (game.share_a > 0.5) == game.a_first;
  const bool strong =
      game.strong || (game.has_scores && std::abs(game.score_a - game.score_b) >= kStrongGap);
  if (first_won) return strong ? "A>>B" : "A>B";
  return strong ? "B>>A" : "B>A";
}

}  // namespace

ExportRow ArenaHardRow(const ExportedBattle& battle, const ExportOptions& options) {
  const bool a_is_baseline = battle.model_a == options.baseline;
  if (options.baseline.empty() || (!a_is_baseline && battle.model_b != options.baseline)) {
    return InvalidInput(fmt::format(
        "battle {} is {} against {}: arena-hard's format holds battles against one baseline "
        "(given: {}); name it, and choose only its battles",
        battle.battle_key, battle.model_a, battle.model_b,
        options.baseline.empty() ? "none" : options.baseline));
  }
  ARENA_ASSIGN_OR_RETURN(const std::size_t game_0, GameWithFirstSeat(battle, a_is_baseline));
  const Json prompt = ConversationJson(battle.instruction, {});
  Json games = Json::array();
  for (const std::size_t g : {game_0, 1 - game_0}) {
    games.push_back({{"score", SeatLabel(battle.record.games[g])},
                     {"judgment", {{"answer", battle.explanations[g]}}},
                     {"prompt", prompt}});
  }
  Json row;
  row["uid"] = ExportedId(battle);
  row["category"] = ExportedCategory(battle);
  row["judge"] = battle.judge;
  row["model"] = a_is_baseline ? battle.model_b : battle.model_a;
  row["baseline"] = options.baseline;
  row["games"] = std::move(games);
  return std::optional<Json>(std::move(row));
}

}  // namespace arena
