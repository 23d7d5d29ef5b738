#include "rating/internal/kernels.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/exp_series.h"

namespace arena::rating_internal {
namespace {

// e^x as 2^n * e^r with |r| <= ln(2)/2, e^r by its series to r^13 (the next term is below 1e-17).
// Free of branches and calls, so that compilers turn the loop into vector instructions.
[[gnu::always_inline]] inline double Exp(double x) {
  constexpr double kLog2E = 1.4426950408889634074;
  constexpr double kLn2High = 6.93147180369123816490e-01;  // its low 32 bits are zero
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer, left in the low bits
  const double shifted = x * kLog2E + kRound;
  const double n = shifted - kRound;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1.0 / 6227020800;
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(shifted) + 1023) << 52;
  return sum * std::bit_cast<double>(exponent);
}

[[gnu::always_inline]] inline void LogisticLoop(double* x, std::size_t n) {
  constexpr double kLimit = 700;
  for (std::size_t i = 0; i < n; ++i) {
    double minus = -x[i];
    minus = minus < kLimit ? minus : kLimit;
    minus = minus > -kLimit ? minus : -kLimit;
    x[i] = 1 / (1 + Exp(minus));
  }
}

template <typename X>
[[gnu::always_inline]] inline void AddScaledLoop(double factor, const X* x, double* y,
                                                 std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += factor * double{x[i]};
}

// In eight sums, whose number fixes the order of additions for every width of vectors.
template <typename Y>
[[gnu::always_inline]] inline double DotLoop(const double* x, const Y* y, std::size_t n) {
  constexpr std::size_t kSums = 8;
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j) sums[j] += x[i + j] * double{y[i + j]};
  }
  for (std::size_t j = 0; i < n; ++i, ++j) sums[j] += x[i] * double{y[i]};
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

// Sixteen or eight floats at once, in whatever registers there are.
using Lanes = float [[gnu::vector_size(64)]];
using LaneBits = std::uint32_t [[gnu::vector_size(64)]];
using HalfLanes = float [[gnu::vector_size(32)]];
using HalfLaneBits = std::int32_t [[gnu::vector_size(32)]];
constexpr std::size_t kLanes = 16;

template <typename Vector>
[[gnu::always_inline]] inline Vector Load(const float* from) {
  Vector values;
  std::memcpy(&values, from, sizeof(values));
  return values;
}

[[gnu::always_inline]] inline void StyleResidualsLoop(StylePass& pass, float* values,
                                                      std::size_t n) {
  constexpr float kLimit = 87;
  const auto& c = pass.coefficients;
  Lanes sums[kStyleFeatures] = {};
  for (std::size_t at = 0; at < n; at += kLanes) {
    const Lanes f0 = Load<Lanes>(pass.features[0] + at);
    const Lanes f1 = Load<Lanes>(pass.features[1] + at);
    const Lanes f2 = Load<Lanes>(pass.features[2] + at);
    const Lanes f3 = Load<Lanes>(pass.features[3] + at);
    Lanes minus = -(Load<Lanes>(values + at) + ((c[0] * f0 + c[1] * f1) + (c[2] * f2 + c[3] * f3)));
    minus = minus < kLimit ? minus : Lanes{} + kLimit;
    minus = minus > -kLimit ? minus : Lanes{} - kLimit;
    const Lanes wins = 1.0F / (1.0F + ExpWithinRange<Lanes, LaneBits>(minus));
    const Lanes residual = Load<Lanes>(pass.weight + at) * (wins - Load<Lanes>(pass.share + at));
    std::memcpy(values + at, &residual, sizeof(residual));
    sums[0] += residual * f0;
    sums[1] += residual * f1;
    sums[2] += residual * f2;
    sums[3] += residual * f3;
  }
  for (std::size_t f = 0; f < kStyleFeatures; ++f) {
    double sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum += double{sums[f][lane]};
    pass.sums[f] += sum;
  }
}

[[gnu::always_inline]] inline float SumLoop(const float* values, std::size_t n) {
  constexpr HalfLaneBits kNumbers = {0, 1, 2, 3, 4, 5, 6, 7};
  static_assert(kStylePadding >= 8);
  HalfLanes s = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) s += Load<HalfLanes>(values + i);
  if (i < n) {
    const HalfLaneBits used = kNumbers < static_cast<std::int32_t>(n - i);
    s += std::bit_cast<HalfLanes>(std::bit_cast<HalfLaneBits>(Load<HalfLanes>(values + i)) & used);
  }
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

struct Kernels {
  void (*logistic)(double*, std::size_t);
  void (*add_scaled)(double, const double*, double*, std::size_t);
  void (*add_scaled_floats)(double, const float*, double*, std::size_t);
  double (*dot)(const double*, const double*, std::size_t);
  double (*dot_floats)(const double*, const float*, std::size_t);
  void (*style_residuals)(StylePass&, float*, std::size_t);
  float (*sum)(const float*, std::size_t);
};

// One set per instruction set; the attribute cannot be a template's parameter.
#define ARENA_KERNELS(name, attribute)                                                            \
  attribute void Logistic##name(double* x, std::size_t n) { LogisticLoop(x, n); }                 \
  attribute void AddScaled##name(double factor, const double* x, double* y, std::size_t n) {      \
    AddScaledLoop(factor, x, y, n);                                                               \
  }                                                                                               \
  attribute void AddScaledFloats##name(double factor, const float* x, double* y, std::size_t n) { \
    AddScaledLoop(factor, x, y, n);                                                               \
  }                                                                                               \
  attribute double Dot##name(const double* x, const double* y, std::size_t n) {                   \
    return DotLoop(x, y, n);                                                                      \
  }                                                                                               \
  attribute double DotFloats##name(const double* x, const float* y, std::size_t n) {              \
    return DotLoop(x, y, n);                                                                      \
  }                                                                                               \
  attribute void StyleResiduals##name(StylePass& pass, float* values, std::size_t n) {            \
    StyleResidualsLoop(pass, values, n);                                                          \
  }                                                                                               \
  attribute float Sum##name(const float* values, std::size_t n) { return SumLoop(values, n); }    \
  constexpr Kernels k##name = {Logistic##name, AddScaled##name, AddScaledFloats##name,            \
                               Dot##name,      DotFloats##name, StyleResiduals##name,             \
                               Sum##name};

ARENA_KERNELS(Plain, )
#if defined(__x86_64__)
ARENA_KERNELS(Avx2, [[gnu::target("avx2")]])
ARENA_KERNELS(Avx512, [[gnu::target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")]])
#endif
#undef ARENA_KERNELS

const Kernels& Chosen() {
#if defined(__x86_64__)
  static const Kernels& kernels = __builtin_cpu_supports("avx512f") &&
                                          __builtin_cpu_supports("avx512dq") &&
                                          __builtin_cpu_supports("avx512vl")
                                      ? kAvx512
                                  : __builtin_cpu_supports("avx2") ? kAvx2
                                                                   : kPlain;
  return kernels;
#else
  return kPlain;
#endif
}

}  // namespace

void Logistic(double* x, std::size_t n) { Chosen().logistic(x, n); }

void AddScaled(double factor, const double* x, double* y, std::size_t n) {
  Chosen().add_scaled(factor, x, y, n);
}

void AddScaled(double factor, const float* x, double* y, std::size_t n) {
  Chosen().add_scaled_floats(factor, x, y, n);
}

double Dot(const double* x, const double* y, std::size_t n) { return Chosen().dot(x, y, n); }

double Dot(const double* x, const float* y, std::size_t n) { return Chosen().dot_floats(x, y, n); }

void StyleResiduals(StylePass& pass, float* values, std::size_t n) {
  Chosen().style_residuals(pass, values, n);
}

float SumOf(const float* values, std::size_t n) { return Chosen().sum(values, n); }

}  // namespace arena::rating_internal
