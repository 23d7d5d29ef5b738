// Bradley-Terry ratings.
#pragma once

#include "base/result.h"
#include "rating/rate.h"

namespace arena {

/// P(a beats b) = 1 / (1 + base^((r_b - r_a)/scale)), fitted by maximum likelihood with fractional
/// outcomes (a tie is half a win) and weights, plus the ridge; with style control the logit has a
/// term per style feature too. Solved in the gauge in which ratings sum to zero, then shifted.
///
/// Sandwich: V = H^-1 S H^-1, H being the penalised Hessian and S the sum over sampling units of
/// (score)(score)', a unit's score being the sum of its results' scores; with an anchor
/// Var(i) = V_ii + V_aa - 2 V_ia. Units are instructions, or single results with Clustering::kNone
/// (the two games of a battle are then two units where the outcome policy counts each game). A
/// contestant that won or lost everything has no finite estimate; its variance is that of H^-1,
/// which says so, where the sandwich would be near 0.
///
/// Bootstrap: units are drawn with replacement, in round i from Rng(seed, i), and each round is
/// fitted from the whole's estimate, so draws do not depend on the number of threads.
///
/// The result does not depend on the order of the battles, not even in the last bit. Renaming
/// contestants changes no more than rounding, except in a bootstrap of single results, which are
/// drawn in the order of names.
Result<Board> RateBradleyTerry(const Dataset& data, const RatingOptions& options);

}  // namespace arena
