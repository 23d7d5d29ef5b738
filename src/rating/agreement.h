// How well a leaderboard agrees with another that is taken as the reference (a human arena's, say).
// Pure: no I/O; the same boards and seed give the same figures on every number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rating/board.h"
#include "rating/figure.h"

namespace arena {

struct AgreementOptions {
  double level = 0.95;     ///< of the intervals of the figures, in (0, 1)
  int rounds = 1000;       ///< bootstrap rounds behind those intervals, 1 or more
  std::uint64_t seed = 1;  ///< round i draws from Rng(seed, i)
  unsigned threads = 0;    ///< 0: all processors
};

/// Two contestants that the boards put in opposite order. Pairs that either board ties are not
/// listed.
struct PairDisagreement {
  std::string above;                 ///< the one that the board rates higher
  std::string below;                 ///< the one that the reference rates higher
  double board_gap = 0;              ///< rating of `above` minus rating of `below`, > 0
  double reference_gap = 0;          ///< the same in the reference, < 0
  bool board_separates = false;      ///< the board's two intervals do not overlap
  bool reference_separates = false;  ///< the reference's two intervals do not overlap
};

/// The figures are over the contestants that both boards name. A pair is separated by a board when
/// its two intervals do not overlap (intervals that touch overlap). The score of a pair is +1 when
/// both boards separate it in the same direction, -1 when both do in opposite directions, else 0.
///
/// Intervals: in each round both boards' ratings are drawn anew, a whole round of Board::draws at a
/// time where the board has them (so that contestants vary together), otherwise each contestant by
/// itself from the normal distribution of its interval; the rating intervals move along with their
/// ratings and keep their widths. Bounds are percentiles of the rounds, widened where needed to
/// hold the value itself: drawing again adds noise to ratings that are noisy already, so on boards
/// that agree well the rounds lie below the value.
struct Agreement {
  std::vector<std::string> common;          ///< sorted; the figures are over these
  std::vector<std::string> only_board;      ///< sorted
  std::vector<std::string> only_reference;  ///< sorted
  std::int64_t pairs = 0;                   ///< of common contestants
  std::int64_t reference_pairs = 0;         ///< of those, separated by the reference
  double level = 0.95;
  int rounds = 0;
  std::uint64_t seed = 0;

  /// Spearman's rank correlation of the ratings, equal ratings sharing their mean rank. Absent when
  /// a board rates all common contestants alike.
  std::optional<Figure> spearman;
  /// Kendall's tau-b of the ratings. Absent likewise.
  std::optional<Figure> kendall;
  /// Mean score over all pairs (as Arena-Hard defines agreement with confidence).
  Figure agreement_all_pairs;
  /// Mean score over the pairs that the reference separates (as Arena Learning states it). Absent
  /// when the reference separates none.
  std::optional<Figure> agreement_reference_pairs;
  /// Share of pairs that the board separates.
  Figure differentiation;
  /// Share of pairs that the reference separates.
  Figure reference_differentiation;
  /// Mean over pairs of (p - o)^2: p is the probability that the board puts i above j (the share of
  /// its draws that do, ties half; without draws by the normal distributions of the intervals), o
  /// is 1, 0 or 0.5 by the reference's ratings. Smaller is better; 0.25 is what p = 0.5 gets. In
  /// the rounds p is by the normal distribution in both cases.
  Figure brier;

  /// Those that both separate first, then by the reference's gap, largest first.
  std::vector<PairDisagreement> disagreements;
  std::vector<std::string> warnings;
};

/// Compares two boards. Ratings may be on different scales. A board needs ratings and bounds only
/// (one read from CSV, say); bounds equal to the rating mean that its order is certain, and are
/// warned of. Errors (kInvalidInput): fewer than two common contestants, a name twice in a board, a
/// rating or bound that is not a finite number, a lower bound above the upper one, draws of another
/// width than the board, options out of range.
Result<Agreement> CompareBoards(const Board& board, const Board& reference,
                                const AgreementOptions& options = {});

}  // namespace arena
