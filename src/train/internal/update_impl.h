// The loops of UpdateLoops, vectorised by the compiler for the instruction set of the including
// file. All is in an anonymous namespace and nothing of the standard library is called, so that no
// function made for one processor is shared with code for another.
#pragma once

#include <cstddef>

#include "train/internal/update.h"

namespace arena::train::internal {
namespace {

void UpdateAdamW(const AdamWNumbers& numbers, std::size_t n, const float* __restrict gradients,
                 float* __restrict parameters, float* __restrict first, float* __restrict second) {
  const AdamWNumbers k = numbers;
  for (std::size_t i = 0; i < n; ++i) {
    const float gradient = gradients[i] * k.gradient_factor;
    const float m = k.beta1 * first[i] + k.one_minus_beta1 * gradient;
    const float v = k.beta2 * second[i] + k.one_minus_beta2 * (gradient * gradient);
    first[i] = m;
    second[i] = v;
    const float denominator = __builtin_sqrtf(v) * k.second_scale + k.epsilon;
    parameters[i] = k.keep * parameters[i] - k.step_size * (m / denominator);
  }
}

typedef float FourFloats __attribute__((vector_size(16), aligned(4), may_alias));
typedef double FourDoubles __attribute__((vector_size(32)));

double SumSquares(const float* x, std::size_t n) {
  constexpr std::size_t kVectors = 4, kLanes = 4;
  FourDoubles sums[kVectors] = {};
  std::size_t i = 0;
  for (; i + kVectors * kLanes <= n; i += kVectors * kLanes) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto* const four = reinterpret_cast<const FourFloats*>(x + i + v * kLanes);
      const FourDoubles values = __builtin_convertvector(*four, FourDoubles);
      sums[v] += values * values;  // the square is exact
    }
  }
  double sum = 0;
  for (const FourDoubles& part : sums) sum += (part[0] + part[1]) + (part[2] + part[3]);
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace
}  // namespace arena::train::internal
