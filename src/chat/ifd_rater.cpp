#include "chat/ifd_rater.h"

#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "chat/internal/closing_answer.h"

namespace arena {
namespace {

double MeanOf(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Result<double> IfdRater::IfdOf(const PoolItem& item) {
  const auto closing = SplitClosingAnswer(item.conversation);
  if (!closing) return NotFound("there is no answer");
  ARENA_ASSIGN_OR_RETURN(const std::vector<float> with,
                         model_.ScoreAnswer(closing->asked, closing->answer));
  ARENA_ASSIGN_OR_RETURN(const std::vector<float> without,
                         model_.ScoreAnswer({{Role::kUser, ""}}, closing->answer));
  if (with.empty() || without.empty()) return NotFound("the answer has no tokens");
  return std::exp(MeanOf(without) - MeanOf(with));
}

Result<std::vector<std::optional<double>>> IfdRater::Rate(std::span<const PoolItem> items) {
  std::vector<std::optional<Result<double>>> scores(items.size());
  ParallelFor(items.size(), threads_, [&](std::size_t i) { scores[i] = IfdOf(items[i]); });
  std::vector<std::optional<double>> ratings;
  for (const auto& score : scores) {
    if (!score->ok() && score->error().code == ErrorCode::kUnavailable) return score->error();
    const bool is_rating = score->ok() && std::isfinite(**score);
    ratings.push_back(is_rating ? std::optional(**score) : std::nullopt);
  }
  return ratings;
}

}  // namespace arena
