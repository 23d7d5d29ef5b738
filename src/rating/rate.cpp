#include "rating/rate.h"

#include <fmt/format.h>

#include <algorithm>

#include "rating/bradley_terry.h"
#include "rating/elo.h"
#include "rating/length_control.h"
#include "rating/win_rate.h"

namespace arena {
namespace {

// An interval without width says that the data hold no contradiction, not that they are exact: all
// battles tied, say, or a style that only one contestant has.
void WarnOfEmptyIntervals(const RatingOptions& options, Board& board) {
  constexpr double kNoWidth = 1e-6;
  std::string names;
  const auto note = [&](const std::string& name, double lower, double upper) {
    if (upper - lower < kNoWidth) names += (names.empty() ? "" : ", ") + name;
  };
  for (const BoardRow& row : board.contestants) {
    const bool is_anchor = options.anchor && options.anchor->first == row.name;
    if (!is_anchor) note(row.name, row.lower, row.upper);
  }
  if (options.style.frozen.empty()) {
    for (const StyleCoefficient& style : board.style) note(style.feature, style.lower, style.upper);
  }
  if (names.empty()) return;
  board.warnings.push_back(fmt::format(
      "the intervals of {} have no width: their battles cannot contradict the fit, so how far off "
      "it is is not known",
      names));
}

Result<Board> Dispatch(const Dataset& data, const RatingOptions& options) {
  switch (options.method) {
    case RatingMethod::kBradleyTerry:
      return RateBradleyTerry(data, options);
    case RatingMethod::kElo:
      return RateElo(data, options);
    case RatingMethod::kWinRate:
      return RateWinRate(data, options);
    case RatingMethod::kLengthControlled:
      return RateLengthControlled(data, options);
  }
  return InternalError("a rating method without a name");
}

}  // namespace

Result<Board> Rate(const Dataset& data, const RatingOptions& options) {
  RatingOptions effective = options;
  std::optional<std::string> warning;
  if (options.anchor && options.anchor_is_optional) {
    const std::vector<std::string>& names = data.contestants();
    if (std::find(names.begin(), names.end(), options.anchor->first) == names.end()) {
      warning = fmt::format("the anchor \"{}\" has no battle, so the mean rating is {}",
                            options.anchor->first, options.center);
      effective.anchor.reset();
    }
  }
  ARENA_ASSIGN_OR_RETURN(Board board, Dispatch(data, effective));
  if (options.method == RatingMethod::kBradleyTerry && board.contestants.size() > 1) {
    WarnOfEmptyIntervals(effective, board);
  }
  if (warning) board.warnings.push_back(std::move(*warning));
  return board;
}

}  // namespace arena
