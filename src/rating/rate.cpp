#include "rating/rate.h"

#include <fmt/format.h>

#include <algorithm>

#include "rating/bradley_terry.h"
#include "rating/elo.h"
#include "rating/length_control.h"
#include "rating/win_rate.h"

namespace arena {
namespace {

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
  if (warning) board.warnings.push_back(std::move(*warning));
  return board;
}

}  // namespace arena
