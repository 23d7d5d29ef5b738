#include "rating/internal/binomial.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace arena::rating_internal {
namespace {

constexpr double kInversionBelow = 10;  // mean; Hörmann's bound for BTRS
constexpr std::size_t kTabulated = 128;
constexpr double kMostFactors = 40;  // beyond, logarithms are faster than the product

std::array<double, kTabulated> TabulateLogFactorials() {
  std::array<double, kTabulated> table{};
  for (std::size_t i = 2; i < table.size(); ++i) {
    table[i] = table[i - 1] + std::log(static_cast<double>(i));
  }
  return table;
}

// ln k!; std::lgamma writes a global and so is not thread-safe.
double LogFactorial(double k) {
  static const std::array<double, kTabulated> kTable = TabulateLogFactorials();
  if (k < kTabulated) return kTable[static_cast<std::size_t>(k)];
  const double x = k + 1;
  const double x2 = x * x;
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  // Stirling's series; the next term is below 1e-17 from 129 on.
  return (x - 0.5) * std::log(x) - x + kHalfLogTwoPi +
         (1.0 / 12 - (1.0 / 360 - 1.0 / (1260 * x2)) / x2) / x;
}

double DrawByInversion(Rng& rng, double n, double p) {
  const double q = 1 - p;
  const double odds = p / q;
  double probability = std::exp(n * std::log1p(-p));
  double u = rng.Uniform();
  double k = 0;
  while (u > probability && k < n) {
    u -= probability;
    k += 1;
    probability *= odds * (n - k + 1) / k;
  }
  return k;
}

// P(k) / P(mode).
double RelativeProbability(double n, double p, double mode, double k) {
  const double odds = p / (1 - p);
  if (std::abs(k - mode) <= kMostFactors) {
    // From one count to the next the probability changes by (n + 1 - i) / i * odds.
    double product = 1;
    const double numerator = odds * (n + 1);
    for (double i = std::min(k, mode) + 1; i <= std::max(k, mode); i += 1) {
      product *= numerator / i - odds;
    }
    return k > mode ? product : 1 / product;
  }
  return std::exp(LogFactorial(mode) + LogFactorial(n - mode) - LogFactorial(k) -
                  LogFactorial(n - k) + (k - mode) * std::log(odds));
}

double DrawByRejection(Rng& rng, double n, double p) {
  const double deviation = std::sqrt(n * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double centre = n * p + 0.5;
  const double squeeze = 0.92 - 4.2 / b;
  while (true) {
    const double v = rng.Uniform();
    const double u = rng.Uniform() - 0.5;
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return k;
    if (!(k >= 0 && k <= n)) continue;
    const double alpha = (2.83 + 5.1 / b) * deviation;
    const double mode = std::floor((n + 1) * p);
    if (v * alpha <= RelativeProbability(n, p, mode, k) * (a / (us * us) + b)) return k;
  }
}

}  // namespace

std::uint64_t DrawBinomial(Rng& rng, std::uint64_t trials, double p) {
  if (trials == 0 || p <= 0) return 0;
  if (p >= 1) return trials;
  const auto n = static_cast<double>(trials);
  const double smaller = std::min(p, 1 - p);
  const double k = n * smaller < kInversionBelow ? DrawByInversion(rng, n, smaller)
                                                 : DrawByRejection(rng, n, smaller);
  const auto drawn = static_cast<std::uint64_t>(k);
  return p <= 0.5 ? drawn : trials - drawn;
}

Multinomial::Multinomial(std::vector<double> sizes) : sizes_(std::move(sizes)) {
  for (const double size : sizes_) {
    total_ += static_cast<std::uint64_t>(size);
    all_one_ = all_one_ && size == 1;
  }
}

void Multinomial::Draw(Rng& rng, std::vector<double>& counts) const {
  counts.assign(sizes_.size(), 0);
  if (all_one_) {
    for (std::uint64_t i = 0; i < total_; ++i) counts[rng.Below(total_)] += 1;
    return;
  }
  // Each category is binomial given what the earlier ones have taken.
  std::uint64_t trials = total_;
  auto items = static_cast<double>(total_);
  for (std::size_t i = 0; i < sizes_.size() && trials > 0; ++i) {
    const std::uint64_t drawn = DrawBinomial(rng, trials, sizes_[i] / items);
    counts[i] = static_cast<double>(drawn);
    trials -= drawn;
    items -= sizes_[i];
  }
}

}  // namespace arena::rating_internal
