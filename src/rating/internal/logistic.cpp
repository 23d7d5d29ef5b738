#include "rating/internal/logistic.h"

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

[[gnu::always_inline]] inline void Loop(double* x, std::size_t n) {
  constexpr double kLimit = 700;
  for (std::size_t i = 0; i < n; ++i) {
    double minus = -x[i];
    minus = minus < kLimit ? minus : kLimit;
    minus = minus > -kLimit ? minus : -kLimit;
    x[i] = 1 / (1 + Exp(minus));
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void LoopAvx2(double* x, std::size_t n) { Loop(x, n); }
#endif

}  // namespace

void Logistic(double* x, std::size_t n) {
#if defined(__x86_64__)
  static const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
  if (kHasAvx2) {
    LoopAvx2(x, n);
    return;
  }
#endif
  Loop(x, n);
}

}  // namespace arena::rating_internal
