// Online Elo: ratings updated battle by battle, replayed in the order of the data.
#pragma once

#include "base/result.h"
#include "rating/board.h"
#include "rating/dataset.h"
#include "rating/rate.h"

namespace arena {

/// Replays the results in the order in which they were added. Everyone starts at elo_init; after a
/// result with share s of a, r_a grows and r_b falls by elo_k * weight * (s - E), E being
/// 1 / (1 + base^((r_b - r_a) / scale)) from the ratings before it. The sum of ratings stays, so
/// without an anchor their mean is elo_init; an anchor shifts all.
///
/// Online Elo depends on the order of the battles (the board warns of it), so the intervals are by
/// bootstrap always: each round draws as many results (or instructions with all their results) with
/// replacement, replays them in a random order, and takes its randomness from Rng(seed, round), so
/// the number of threads changes nothing. With IntervalMethod::kBootstrap the rating is the median
/// of the rounds; with kSandwich, which Elo has none of, it is the replay itself and the interval
/// is the bootstrap's.
///
/// Errors (kInvalidInput): no battles, an unknown anchor, options out of range, a dataset built
/// without keep_order.
Result<Board> RateElo(const Dataset& data, const RatingOptions& options);

}  // namespace arena
