// A Bradley-Terry problem: its likelihood, resamples of it, and the covariance of its scores.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/internal/board_building.h"
#include "rating/internal/newton.h"

namespace arena::rating_internal {

/// Thread-safe after construction.
class Problem {
 public:
  virtual ~Problem() = default;
  virtual std::size_t parameters() const = 0;
  /// Of all results, pair-count reweighting included.
  virtual double total_weight() const = 0;
  /// Sampling units: instructions, or results where they count as independent.
  virtual double units() const = 0;
  virtual std::unique_ptr<Likelihood> Whole() const = 0;
  /// As many sampling units as there are, drawn with replacement. Pair weights stay those of the
  /// whole.
  virtual std::unique_ptr<Likelihood> Resample(Rng& rng) const = 0;
  /// Adds sum over sampling units of score * score' at x, where a unit's score is the sum of the
  /// scores of its results (column-major, both triangles).
  virtual void AddScoreProducts(std::span<const double> x, std::span<double> products) const = 0;
};

/// Without style: of a pair's results the weight counts, and the share of it that a won. Every
/// result is a sampling unit.
std::unique_ptr<Problem> MakePairProblem(const Canonical& canonical, const RatingOptions& options);

/// The same with instructions as sampling units.
std::unique_ptr<Problem> MakeClusteredPairProblem(const Dataset& data, const Canonical& canonical,
                                                  const RatingOptions& options);

/// A problem whose likelihood knows style, and the style coefficients with all but value and bounds
/// set; where they are fitted they are the last parameters, in this order.
struct StyleProblem {
  std::unique_ptr<Problem> problem;
  std::vector<StyleCoefficient> coefficients;
  bool fitted = true;  ///< false: frozen; value and bounds are set, and are no parameters
};

/// With style: logit P(a wins) = theta_a - theta_b + sum of coefficient * feature. Appends warnings
/// of features that say nothing. Errors: what is wrong with frozen coefficients.
Result<StyleProblem> MakeStyleProblem(const Dataset& data, const Canonical& canonical,
                                      const RatingOptions& options, Clustering clustering,
                                      std::vector<std::string>& warnings);

}  // namespace arena::rating_internal
