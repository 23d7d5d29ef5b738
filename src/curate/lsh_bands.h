// Bands of MinHash signatures (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4).
#pragma once

namespace arena {

/// A signature is cut into `bands` of `rows` numbers; two documents are candidates when they agree
/// in all of one band.
struct LshBands {
  int bands = 1;
  int rows = 1;
};

/// The probability that two documents of this similarity become candidates:
/// 1 - (1 - similarity^rows)^bands.
double CandidateProbability(double similarity, const LshBands& bands);

/// The bands with bands * rows <= permutations that minimise
///   false_positive_weight * integral over [0, threshold] of P(s) ds +
///   (1 - false_positive_weight) * integral over [threshold, 1] of (1 - P(s)) ds.
/// 0 < threshold < 1, permutations >= 1.
LshBands ChooseLshBands(double threshold, int permutations, double false_positive_weight);

}  // namespace arena
