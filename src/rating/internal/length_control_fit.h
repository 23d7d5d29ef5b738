// Weighted logistic regression with three features, penalised two ways.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "rating/length_control.h"

namespace arena::rating_internal {

constexpr std::size_t kLengthFeatures = 3;
/// phi, psi, theta.
using LengthVector = std::array<double, kLengthFeatures>;

struct LengthRow {
  LengthVector x{};   ///< tanh of the standardised length difference, difficulty, 1 (gamed: 0)
  double target = 0;  ///< P(the contestant wins)
  double weight = 1;
  std::uint32_t unit = 0;  ///< what is resampled: the instruction or the battle
};

double Logistic(double x);
double LengthLogit(const LengthVector& coefficients, const LengthVector& x);

/// Minimises ridge/2 * |w|^2 + sum of weight * cross entropy by Newton's method. Features that are
/// 0 throughout get the coefficient 0.
LengthVector FitRidge(std::span<const LengthRow> rows, double ridge);

/// Minimises |w|_1 + inverse_penalty * sum of weight * cross entropy by coordinate descent with
/// Newton steps, from `start`.
LengthVector FitLasso(std::span<const LengthRow> rows, double inverse_penalty, LengthVector start);

/// The best of AlpacaEval's ten values of C; row i is held out in fold i mod 5.
double ChooseInversePenalty(std::span<const LengthRow> rows);

}  // namespace arena::rating_internal
