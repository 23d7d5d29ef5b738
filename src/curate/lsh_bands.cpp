#include "curate/lsh_bands.h"

#include <array>
#include <cmath>
#include <numeric>

namespace arena {
namespace {

constexpr int kSteps = 1000;

// (1 - s^rows)^bands at the midpoints of kSteps steps over [from, to], for one number of bands
// after the other.
class MissCurve {
 public:
  MissCurve(double from, double to, int rows) : step_((to - from) / kSteps) {
    for (int i = 0; i < kSteps; ++i) {
      factors_[static_cast<std::size_t>(i)] = 1 - std::pow(from + (i + 0.5) * step_, rows);
    }
    misses_.fill(1);
  }

  void AddBand() {
    for (std::size_t i = 0; i < kSteps; ++i) misses_[i] *= factors_[i];
  }
  double Integral() const { return std::accumulate(misses_.begin(), misses_.end(), 0.0) * step_; }

 private:
  double step_;
  std::array<double, kSteps> factors_;
  std::array<double, kSteps> misses_;
};

}  // namespace

double CandidateProbability(double similarity, const LshBands& bands) {
  return 1 - std::pow(1 - std::pow(similarity, bands.rows), bands.bands);
}

LshBands ChooseLshBands(double threshold, int permutations, double false_positive_weight) {
  LshBands best;
  double least = 2;  // more than any cost
  for (int rows = permutations; rows >= 1; --rows) {
    MissCurve below(0, threshold, rows), above(threshold, 1, rows);
    for (int bands = 1; bands * rows <= permutations; ++bands) {
      below.AddBand();
      above.AddBand();
      const double false_positives = threshold - below.Integral();
      const double cost =
          false_positive_weight * false_positives + (1 - false_positive_weight) * above.Integral();
      if (cost < least) {
        least = cost;
        best = {bands, rows};
      }
    }
  }
  return best;
}

}  // namespace arena
