// The pairs of contestants that met, and the sampling units of their results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rating/internal/board_building.h"

namespace arena::rating_internal {

/// In canonical order: by a, then b; a < b.
struct Pairs {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  std::vector<double> factor;        ///< what each result of the pair is weighted with
  std::vector<std::size_t> first;    ///< per contestant: its first pair as a; one more at the end
  std::vector<std::uint32_t> dense;  ///< of few contestants: the pair at x * contestants + y
  std::size_t contestants = 0;

  std::size_t size() const { return a.size(); }
  /// The pair of x < y, which met.
  std::size_t Find(std::uint32_t x, std::uint32_t y) const;
};

/// With the factors of pair-count reweighting, or 1.
Pairs CollectPairs(const Canonical& canonical, const RatingOptions& options);

/// Whether every contestant is in a pair of positive weight; weight_of(pair) is not negative.
template <typename WeightOf>
bool AllPlay(const Pairs& pairs, WeightOf weight_of) {
  std::vector<char> plays(pairs.contestants, 0);
  std::size_t missing = pairs.contestants;
  for (std::size_t p = 0; p < pairs.size() && missing > 0; ++p) {
    if (!(weight_of(p) > 0)) continue;
    for (const std::uint32_t contestant : {pairs.a[p], pairs.b[p]}) {
      if (plays[contestant] == 0) --missing;
      plays[contestant] = 1;
    }
  }
  return missing == 0;
}

/// Adds the sum over pairs of value * (e_a - e_b)(e_a - e_b)' to a column-major matrix with
/// `stride` rows, both triangles.
void AddPairProducts(const Pairs& pairs, std::span<const double> values, std::span<double> matrix,
                     std::size_t stride);

/// Which instruction a row belongs to as a sampling unit. Instructions that have results are
/// numbered in the order of their keys, so the numbers do not depend on the order of the battles.
class Units {
 public:
  explicit Units(const Dataset& data);
  /// `cluster` is a ResultRow's and not 0.
  std::uint32_t OfCluster(std::uint32_t cluster) const { return of_cluster_[cluster]; }
  std::uint32_t instructions() const { return instructions_; }

 private:
  std::vector<std::uint32_t> of_cluster_;
  std::uint32_t instructions_ = 0;
};

/// ln(1 + e^x) without overflow.
double Softplus(double x);

}  // namespace arena::rating_internal
