// From results to a leaderboard. Pure: no I/O, no clock; the same input and seed give the same
// board on every number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "rating/board.h"
#include "rating/dataset.h"

namespace arena {

enum class RatingMethod { kBradleyTerry, kElo, kWinRate, kLengthControlled };
enum class IntervalMethod { kSandwich, kBootstrap };
/// What varies from sample to sample: whole instructions with all their battles, or single battles.
enum class Clustering { kInstruction, kNone };

/// How style differences become features, named after who uses them. All are then divided by their
/// standard deviation.
enum class StyleNormalisation {
  kFastChat,   ///< (a-b)/(a+b+1)
  kArenaRank,  ///< (a-b)/(a+b), 0 where both are 0
  kArenaHard,  ///< length (a-b)/(a+b); headers, lists and bold as density count/(tokens+1), then
               ///< (a-b)/(a+b+1)
};

struct StyleOptions {
  bool enabled = false;
  StyleNormalisation normalisation = StyleNormalisation::kFastChat;
  /// L2 on the style coefficients: the penalty is ridge_on_style/2 * sum of squares, beside a log
  /// likelihood in which one result of weight 1 counts once.
  double ridge_on_style = 0;
  /// Multiply ridge_on_style by the total weight of the results (arena-rank's loss is a mean).
  bool ridge_per_result = false;
  /// Subtract the features' mean, as the peers' z-scores do. That is an advantage of the side that
  /// is listed as model_a, so boards then depend on which contestant a battle lists first; without
  /// it they do not, and the deviation is taken around 0.
  bool subtract_mean = false;
  /// Coefficients of an earlier fit; when set they are used and not fitted.
  std::vector<StyleCoefficient> frozen{};
};

struct RatingOptions {
  RatingMethod method = RatingMethod::kBradleyTerry;
  IntervalMethod interval = IntervalMethod::kSandwich;
  Clustering clustering = Clustering::kInstruction;
  double level = 0.95;
  int bootstrap_rounds = 100;
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< 0: all processors

  double scale = 400;  ///< rating points per factor `base` of odds
  double base = 10;
  double center = 1000;                                    ///< mean rating without an anchor
  std::optional<std::pair<std::string, double>> anchor{};  ///< this contestant has this rating
  /// kBradleyTerry: the mean rating of these is `center`, in place of everyone's; intervals are
  /// those of the difference to that mean. Frozen opponents make boards comparable. Not together
  /// with `anchor`.
  std::vector<std::string> anchor_group{};
  bool anchor_is_optional = false;  ///< without the anchor's contestant: a warning, and the centre
  /// L2 on the Bradley-Terry parameters (log odds), against separation: the penalty is ridge/2 *
  /// sum of squares, beside a log likelihood in which one result of weight 1 counts once. It keeps
  /// undefeated contestants finite; a floor of 1e-9 does so where it is 0.
  double ridge = 1e-5;
  /// Weight each result by 1/max(n, reweight_floor), n being the total weight of its
  /// pair's results (arena-rank).
  bool reweight_pairs = false;
  double reweight_floor = 50;
  StyleOptions style{};

  double elo_k = 4;
  double elo_init = 1000;

  std::string baseline{};  ///< kWinRate against one, kLengthControlled: name of the baseline;
                           ///< empty: win rate over all battles
};

/// Rates the dataset. With kSandwich the rating is the estimate; with kBootstrap it is the median
/// of the rounds, and the bounds are their (1 - level)/2 percentiles. Errors: no battles, unknown
/// anchor or baseline, an option that the dataset's options do not support (clusters or style not
/// kept).
Result<Board> Rate(const Dataset& data, const RatingOptions& options);

}  // namespace arena
