#include "core/battle.h"

#include <cmath>

namespace arena {
namespace {

int Winner(double share_a) { return share_a > 0.5 ? 1 : share_a < 0.5 ? -1 : 0; }

double Share(int winner) { return winner > 0 ? 1.0 : winner < 0 ? 0.0 : 0.5; }

RatedResults EachGame(const BattleRecord& battle, const OutcomeOptions& options) {
  RatedResults rated;
  const double unit = battle.game_count == 2 && !options.game_is_whole ? 0.5 : 1.0;
  for (int g = 0; g < battle.game_count; ++g) {
    const GameOutcome& game = battle.games[static_cast<std::size_t>(g)];
    if (game.is_void) continue;
    const double weight = unit * (game.strong ? options.strong_weight : 1.0);
    rated.results[static_cast<std::size_t>(rated.count++)] = {game.share_a, weight};
  }
  return rated;
}

}  // namespace

std::string_view OutcomePolicyName(OutcomePolicy policy) {
  switch (policy) {
    case OutcomePolicy::kMeanScore:
      return "mean-score";
    case OutcomePolicy::kDisagreeTie:
      return "disagree-tie";
    case OutcomePolicy::kEachGame:
      return "each-game";
  }
  return "";
}

std::optional<OutcomePolicy> ParseOutcomePolicy(std::string_view name) {
  for (const auto policy :
       {OutcomePolicy::kMeanScore, OutcomePolicy::kDisagreeTie, OutcomePolicy::kEachGame}) {
    if (OutcomePolicyName(policy) == name) return policy;
  }
  return std::nullopt;
}

GameOutcome ScoredGame(bool a_first, double score_first, double score_second) {
  GameOutcome game;
  game.a_first = a_first;
  game.has_scores = true;
  game.score_a = a_first ? score_first : score_second;
  game.score_b = a_first ? score_second : score_first;
  game.share_a = game.score_a > game.score_b ? 1.0 : game.score_a < game.score_b ? 0.0 : 0.5;
  return game;
}

Key BattleKey(const Key& answer_a, const Key& answer_b, const Key& judge, int sample) {
  return KeyBuilder("battle").Add(answer_a).Add(answer_b).Add(judge).Add(sample).Build();
}

Result<RatedResults> Outcome(const BattleRecord& battle, const OutcomeOptions& options) {
  if (options.policy == OutcomePolicy::kEachGame) return EachGame(battle, options);
  RatedResults rated;
  double score_gap = 0;
  int first_winner = 0;
  bool disagree = false;
  for (int g = 0; g < battle.game_count; ++g) {
    const GameOutcome& game = battle.games[static_cast<std::size_t>(g)];
    if (game.is_void) return rated;
    if (options.policy == OutcomePolicy::kMeanScore && !game.has_scores) {
      return InvalidInput(
          "the policy mean-score needs scores of both answers, and these verdicts name only "
          "winners; use --policy disagree-tie or each-game");
    }
    score_gap += (game.score_a - game.score_b) / battle.game_count;
    if (g == 0) {
      first_winner = Winner(game.share_a);
    } else {
      disagree = Winner(game.share_a) != first_winner;
    }
  }
  rated.count = 1;
  if (options.policy == OutcomePolicy::kMeanScore) {
    // The margin's own rounding must not decide: 7.1 - 7.0 is within 0.1.
    constexpr double kSlack = 1e-9;
    rated.results[0].share_a =
        std::abs(score_gap) <= options.tie_margin + kSlack ? 0.5 : (score_gap > 0 ? 1.0 : 0.0);
  } else {
    rated.results[0].share_a = disagree ? 0.5 : Share(first_winner);
  }
  return rated;
}

}  // namespace arena
