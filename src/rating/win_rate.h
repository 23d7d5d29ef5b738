// Plain win rates as ratings.
#pragma once

#include "base/result.h"
#include "rating/rate.h"

namespace arena {

/// The rating is 100 * sum of weight * share / sum of weight, in percent: over all battles, or over
/// those against options.baseline, which itself has 50. Contestants that never met the baseline are
/// left out with a warning.
///
/// Sandwich: the linearised variance of that ratio, sum over sampling units of
/// (sum of weight * (share - p))^2 / (sum of weight)^2. Bootstrap: units are drawn with
/// replacement, in round i from Rng(seed, i); a round without any battle of a contestant gives it
/// its point estimate. Units are instructions, or single results with Clustering::kNone. Bounds are
/// kept within 0 and 100. Anchor, scale, ridge and center have no meaning here. Errors: no battles,
/// unknown baseline, style control or pair-count reweighting asked for.
Result<Board> RateWinRate(const Dataset& data, const RatingOptions& options);

}  // namespace arena
