// Which games to play next so that a Bradley-Terry board becomes sure soonest. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"

namespace arena {

/// What is known when the next games are chosen.
struct PlayedGames {
  /// Log odds: P(i beats j) = 1 / (1 + exp(strengths[j] - strengths[i])). Fitted with a ridge of
  /// about 0.5 at the beginning, so that few games do not look like certainty.
  std::vector<double> strengths;
  /// [i][j]: judged games between i and j; symmetric, without own games.
  std::vector<std::vector<double>> games;
  /// [i][j]: how many more there can be; symmetric. Empty: any number.
  std::vector<std::vector<double>> left{};
};

struct NextGame {
  std::size_t a = 0;  ///< a < b
  std::size_t b = 0;
  bool operator==(const NextGame&) const = default;
};

/// The mean standard error of the strengths in the gauge in which they sum to zero, from the Fisher
/// information H = sum over pairs of n p (1 - p) (e_i - e_j)(e_i - e_j)' plus a prior of 0.01 on
/// the diagonal. Intervals are as wide as this times a constant. Errors: as of ChooseNextGames.
Result<double> MeanStandardError(const PlayedGames& played);

/// The next `count` games, or as many as there can be, one after the other: each is the one that
/// lowers the mean standard error most, with those chosen before it counted as played; the first of
/// equals in the order of a and b. Who has played little, and pairs whose outcome is open, come
/// first. Takes time proportional to count times the cube of the number of contestants. Errors:
/// fewer than two contestants; sizes that differ; numbers that are not finite or games below 0.
Result<std::vector<NextGame>> ChooseNextGames(const PlayedGames& played, std::size_t count);

}  // namespace arena
