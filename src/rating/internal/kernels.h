// The inner loops of the fits, over arrays. They give the same bits on every x86-64 processor:
// wider vector instructions are used where they exist, in the same order of operations and without
// fused multiply-add.
#pragma once

#include <array>
#include <cstddef>

namespace arena::rating_internal {

/// Replaces each of x[0..n) by 1 / (1 + e^-x), to about one unit in the last place; arguments
/// beyond +-700 count as +-700.
void Logistic(double* x, std::size_t n);

/// y += factor * x.
void AddScaled(double factor, const double* x, double* y, std::size_t n);
void AddScaled(double factor, const float* x, double* y, std::size_t n);

/// sum of x[i] * y[i].
double Dot(const double* x, const double* y, std::size_t n);
double Dot(const double* x, const float* y, std::size_t n);

inline constexpr std::size_t kStyleFeatures = 4;
/// Floats that must follow the last one of every array below; they are read as if they were rows.
inline constexpr std::size_t kStylePadding = 16;

/// The rows of a single-precision pass over a style regression. Rows of the padding have weight 0.
struct StylePass {
  std::array<float, kStyleFeatures> coefficients{};
  std::array<const float*, kStyleFeatures> features{};
  const float* share = nullptr;
  const float* weight = nullptr;
  std::array<double, kStyleFeatures> sums{};  ///< += residual * feature over the rows
};

/// Replaces values[0..n), the logits without style, by the residuals weight * (p - share), p being
/// 1 / (1 + e^-logit) with style; logits beyond +-87 count as +-87.
void StyleResiduals(StylePass& pass, float* values, std::size_t n);

/// The sum of values[0..n), which the padding follows.
float SumOf(const float* values, std::size_t n);

}  // namespace arena::rating_internal
