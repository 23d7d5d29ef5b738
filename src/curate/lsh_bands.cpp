#include "curate/lsh_bands.h"

#include <cmath>

namespace arena {
namespace {

constexpr int kSteps = 1000;

// Midpoint rule over [from, to].
template <typename F>
double Integral(double from, double to, F f) {
  const double step = (to - from) / kSteps;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) sum += f(from + (i + 0.5) * step);
  return sum * step;
}

}  // namespace

double CandidateProbability(double similarity, const LshBands& bands) {
  return 1 - std::pow(1 - std::pow(similarity, bands.rows), bands.bands);
}

LshBands ChooseLshBands(double threshold, int permutations, double false_positive_weight) {
  LshBands best;
  double least = 2;  // more than any cost
  for (int bands = 1; bands <= permutations; ++bands) {
    for (int rows = 1; bands * rows <= permutations; ++rows) {
      const LshBands tried{bands, rows};
      const double false_positives =
          Integral(0, threshold, [&](double s) { return CandidateProbability(s, tried); });
      const double false_negatives =
          Integral(threshold, 1, [&](double s) { return 1 - CandidateProbability(s, tried); });
      const double cost =
          false_positive_weight * false_positives + (1 - false_positive_weight) * false_negatives;
      if (cost < least) {
        least = cost;
        best = tried;
      }
    }
  }
  return best;
}

}  // namespace arena
