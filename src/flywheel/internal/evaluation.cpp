#include "flywheel/internal/evaluation.h"

#include <unordered_set>

#include "rating/rate.h"

namespace arena::flywheel_internal {
namespace {

constexpr double kFullScore = 10;

/// How many of a contestant's answers have the full score, each instruction counted once.
struct ExactCount {
  std::unordered_set<std::string> seen;
  std::int64_t exact = 0;

  void Add(std::string_view instruction, double score) {
    if (seen.emplace(instruction).second && score >= kFullScore) ++exact;
  }
};

}  // namespace

Result<Evaluation> Evaluate(Store& store, const std::vector<std::string>& rivals) {
  Dataset data(DatasetOptions{});
  std::map<std::string, ExactCount, std::less<>> counts;
  const auto count = [&](std::string_view name, std::string_view instruction, double score) {
    auto found = counts.find(name);
    if (found == counts.end()) found = counts.emplace(std::string(name), ExactCount()).first;
    found->second.Add(instruction, score);
  };
  ARENA_RETURN_IF_ERROR(store.ForEachBattle({}, [&](const BattleRecord& battle) -> Status {
    const GameOutcome& game = battle.games[0];
    if (game.has_scores && !game.is_void) {
      count(battle.model_a, battle.instruction, game.score_a);
      count(battle.model_b, battle.instruction, game.score_b);
    }
    return data.Add(battle);
  }));
  RatingOptions options;
  options.anchor_group = rivals;
  Evaluation evaluation;
  ARENA_ASSIGN_OR_RETURN(evaluation.board, Rate(data, options));
  for (const auto& [name, counted] : counts) {
    evaluation.exact_match[name] =
        static_cast<double>(counted.exact) / static_cast<double>(counted.seen.size());
  }
  return evaluation;
}

}  // namespace arena::flywheel_internal
