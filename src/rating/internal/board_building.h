// What every rating method needs around its own mathematics: a canonical order of the input, the
// gauge (centre or anchor), summaries of bootstrap draws, and the board itself.
//
// Everything here works on canonical indices: a contestant's place among the names in byte order,
// counting only contestants with at least one judged battle. Sums over rows run in canonical order,
// so a board is the same to the last bit whatever the order in which battles were added.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rating/board.h"
#include "rating/dataset.h"
#include "rating/rate.h"

namespace arena::rating_internal {

/// `count` results between a and b with the same share of a and the same weight; a < b.
struct UniqueRow {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  double share = 0.5;
  double weight = 1;  ///< of one of them
  double count = 1;
};

/// A contestant of the dataset that has no judged battle.
inline constexpr std::uint32_t kNotRated = 0xFFFFFFFFU;

struct Canonical {
  std::vector<std::string> names;           ///< sorted; index = canonical index
  std::vector<std::uint32_t> to_dataset;    ///< canonical index -> dataset index
  std::vector<std::uint32_t> from_dataset;  ///< dataset index -> canonical index, or kNotRated
  std::vector<UniqueRow> rows;              ///< sorted by (a, b, share, weight), no two alike
  std::size_t size() const { return names.size(); }
};

/// The dataset in canonical order. Error: no judged battle between two contestants.
Result<Canonical> Canonicalise(const Dataset& data);

/// The canonical index of `name`, or an error that says what the name is for and which is nearest.
Result<std::uint32_t> FindContestant(const Canonical& canonical, std::string_view name,
                                     std::string_view what);

/// One contestant's figure, in the unit in which it is printed.
struct Estimate {
  double rating = 0;
  double lower = 0;
  double upper = 0;
};

/// Checks what is common to all methods: level, rounds, scale, base, ridge and the like, and that
/// the dataset kept what the options need.
Status CheckOptions(const Dataset& data, const RatingOptions& options);

/// The two-sided normal quantile of `level`: 1.96 for 0.95.
double NormalQuantile(double level);

/// The q-quantile of ascending values, linear between order statistics (numpy's default).
double Quantile(std::span<const double> ascending, double q);

/// Per contestant the median and the (1 - level)/2 percentiles of draws[round][contestant].
std::vector<Estimate> SummariseDraws(const std::vector<std::vector<double>>& draws, double level);

/// What to add to all ratings so that the anchor has its rating, or the mean is the centre.
double GaugeShift(std::span<const double> ratings, std::optional<std::uint32_t> anchor,
                  const RatingOptions& options);

/// Points of rating per unit of log odds: scale / ln(base).
double PointsPerLogit(const RatingOptions& options);

/// Builds the board from one estimate per contestant (canonical index) and the draws, if any
/// (draws[round][canonical index]; permuted to board order). Fills method and the copied options,
/// battles, win rates, void shares, ranks and the win matrix, and orders the rows best first, equal
/// ratings by name. Contestants without a judged battle are named in a warning.
Board BuildBoard(const Dataset& data, const Canonical& canonical, const RatingOptions& options,
                 std::string method, const std::vector<Estimate>& estimates,
                 std::vector<std::vector<double>> draws);

/// The clustering that the dataset allows: kInstruction falls back to kNone, with a warning, where
/// no battle names its instruction.
Clustering EffectiveClustering(const Dataset& data, const RatingOptions& options,
                               std::vector<std::string>& warnings);

}  // namespace arena::rating_internal
