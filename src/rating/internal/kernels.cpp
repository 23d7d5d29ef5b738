#include "rating/internal/kernels.h"

#include <bit>
#include <cstdint>

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

[[gnu::always_inline]] inline void AddScaledLoop(double factor, const double* x, double* y,
                                                 std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

// In eight sums, whose number fixes the order of additions for every width of vectors.
[[gnu::always_inline]] inline double DotLoop(const double* x, const double* y, std::size_t n) {
  constexpr std::size_t kSums = 8;
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j) sums[j] += x[i + j] * y[i + j];
  }
  for (std::size_t j = 0; i < n; ++i, ++j) sums[j] += x[i] * y[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

struct Kernels {
  void (*logistic)(double*, std::size_t);
  void (*add_scaled)(double, const double*, double*, std::size_t);
  double (*dot)(const double*, const double*, std::size_t);
};

// One set per instruction set; the attribute cannot be a template's parameter.
#define ARENA_KERNELS(name, attribute)                                                       \
  attribute void Logistic##name(double* x, std::size_t n) { LogisticLoop(x, n); }            \
  attribute void AddScaled##name(double factor, const double* x, double* y, std::size_t n) { \
    AddScaledLoop(factor, x, y, n);                                                          \
  }                                                                                          \
  attribute double Dot##name(const double* x, const double* y, std::size_t n) {              \
    return DotLoop(x, y, n);                                                                 \
  }                                                                                          \
  constexpr Kernels k##name = {Logistic##name, AddScaled##name, Dot##name};

ARENA_KERNELS(Plain, )
#if defined(__x86_64__)
ARENA_KERNELS(Avx2, [[gnu::target("avx2")]])
ARENA_KERNELS(Avx512, [[gnu::target("avx512f,avx512dq")]])
#endif
#undef ARENA_KERNELS

const Kernels& Chosen() {
#if defined(__x86_64__)
  static const Kernels& kernels =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? kAvx512
      : __builtin_cpu_supports("avx2")                                        ? kAvx2
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

double Dot(const double* x, const double* y, std::size_t n) { return Chosen().dot(x, y, n); }

}  // namespace arena::rating_internal
