#include "flywheel/internal/evaluation.h"

#include <unordered_set>

#include "rating/rate.h"

namespace arena::flywheel_internal {
namespace {

constexpr double kFullScore = 10;

struct ExactCount {
  std::int64_t answers = 0;
  std::int64_t exact = 0;

  double share() const { return static_cast<double>(exact) / static_cast<double>(answers); }
};

/// How many of a contestant's answers have the full score, each instruction counted once.
struct ContestantCount {
  std::unordered_set<std::string> seen;
  ExactCount all;
  std::map<std::string, ExactCount, std::less<>> by_category;

  void Add(const BattleRecord& battle, double score) {
    if (!seen.emplace(battle.instruction).second) return;
    auto category = by_category.find(battle.category);
    if (category == by_category.end()) {
      category = by_category.emplace(std::string(battle.category), ExactCount()).first;
    }
    for (ExactCount* count : {&all, &category->second}) {
      ++count->answers;
      if (score >= kFullScore) ++count->exact;
    }
  }
};

}  // namespace

Result<Evaluation> Evaluate(Store& store, const std::vector<std::string>& rivals) {
  Dataset data(DatasetOptions{});
  std::map<std::string, ContestantCount, std::less<>> counts;
  const auto count = [&](const BattleRecord& battle, std::string_view name, double score) {
    auto found = counts.find(name);
    if (found == counts.end()) found = counts.emplace(std::string(name), ContestantCount()).first;
    found->second.Add(battle, score);
  };
  ARENA_RETURN_IF_ERROR(store.ForEachBattle({}, [&](const BattleRecord& battle) -> Status {
    const GameOutcome& game = battle.games[0];
    if (game.has_scores && !game.is_void) {
      count(battle, battle.model_a, game.score_a);
      count(battle, battle.model_b, game.score_b);
    }
    return data.Add(battle);
  }));
  RatingOptions options;
  options.anchor_group = rivals;
  Evaluation evaluation;
  ARENA_ASSIGN_OR_RETURN(evaluation.board, Rate(data, options));
  for (const auto& [name, counted] : counts) {
    evaluation.exact_match[name] = counted.all.share();
    auto& categories = evaluation.exact_by_category[name];
    for (const auto& [category, exact] : counted.by_category) categories[category] = exact.share();
  }
  return evaluation;
}

}  // namespace arena::flywheel_internal
