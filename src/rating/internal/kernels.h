// The inner loops of the fits, over arrays. They give the same bits on every x86-64 processor:
// wider vector instructions are used where they exist, in the same order of operations and without
// fused multiply-add.
#pragma once

#include <cstddef>

namespace arena::rating_internal {

/// Replaces each of x[0..n) by 1 / (1 + e^-x), to about one unit in the last place; arguments
/// beyond +-700 count as +-700.
void Logistic(double* x, std::size_t n);

/// y += factor * x.
void AddScaled(double factor, const double* x, double* y, std::size_t n);

/// sum of x[i] * y[i].
double Dot(const double* x, const double* y, std::size_t n);

}  // namespace arena::rating_internal
