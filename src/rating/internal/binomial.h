// Exact binomial and multinomial draws for the bootstrap.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace arena::rating_internal {

/// A draw from Binomial(trials, p), p in [0, 1], exact up to the rounding of doubles: inversion
/// where the smaller mean is below 10, else Hörmann's transformed rejection with squeeze (BTRS,
/// Journal of Statistical Computation and Simulation 46, 1993).
std::uint64_t DrawBinomial(Rng& rng, std::uint64_t trials, double p);

/// Resamples with replacement as many items as there are, where category i holds sizes[i] of them.
/// Thread-safe after construction.
class Multinomial {
 public:
  /// `sizes` are whole and not negative.
  explicit Multinomial(std::vector<double> sizes);

  /// Counts per category; they sum to the sum of the sizes.
  void Draw(Rng& rng, std::vector<double>& counts) const;

  std::uint64_t total() const { return total_; }

 private:
  std::vector<double> sizes_;
  std::uint64_t total_ = 0;
  bool all_one_ = true;  // items are their own categories
};

}  // namespace arena::rating_internal
