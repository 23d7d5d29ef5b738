#include "flywheel/internal/ifd_scores.h"

#include <limits>
#include <utility>
#include <vector>

#include "chat/ifd_rater.h"
#include "chat/local_model.h"
#include "flywheel/internal/candidate.h"

namespace arena::flywheel_internal {
namespace {

struct BestAnswer {
  double score = -std::numeric_limits<double>::infinity();
  Conversation conversation;  // with the answer at its end
};

}  // namespace

Result<std::unordered_map<Key, double, KeyHash>> MeasureIfd(
    Store& store, const std::unordered_set<Key, KeyHash>& instructions, const std::string& target,
    const std::filesystem::path& checkpoint, unsigned workers) {
  std::unordered_map<Key, BestAnswer, KeyHash> best;
  ARENA_RETURN_IF_ERROR(
      store.ForEachDetail({.involving = target}, [&](const BattleDetail& detail) -> Status {
        if (!instructions.contains(detail.instruction.key)) return {};
        const auto scores = flywheel::ScoresOf(detail);
        if (!scores) return {};
        const bool other_is_a = detail.contestant_b.name == target;
        const double score = other_is_a ? scores->a : scores->b;
        BestAnswer& of = best[detail.instruction.key];
        if (score <= of.score) return {};
        of.score = score;
        of.conversation = detail.instruction.conversation;
        of.conversation.push_back(
            {Role::kAssistant, (other_is_a ? detail.answer_a : detail.answer_b).text()});
        return {};
      }));
  std::vector<Key> keys;
  std::vector<PoolItem> items;
  for (auto& [key, answer] : best) {
    keys.push_back(key);
    items.emplace_back().conversation = std::move(answer.conversation);
  }
  LocalModelOptions options;
  options.pool.model = checkpoint;
  options.pool.workers = workers;
  ARENA_ASSIGN_OR_RETURN(const auto model, LocalModel::Load(options));
  IfdRater rater(*model, 4 * workers);
  ARENA_ASSIGN_OR_RETURN(const auto ratings, rater.Rate(items));
  std::unordered_map<Key, double, KeyHash> ifd;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (ratings[i]) ifd[keys[i]] = *ratings[i];
  }
  return ifd;
}

}  // namespace arena::flywheel_internal
