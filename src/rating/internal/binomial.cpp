#include "rating/internal/binomial.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace arena::rating_internal {
namespace {

constexpr double kInversionBelow = 10;          // mean; Hörmann's bound for BTRS
constexpr double kLargestByTable = 512;         // bounds the memory of the Poisson tables
constexpr double kNegligible = 1e-18;           // beside a sum of probabilities of 1
constexpr std::uint64_t kItemsPerCategory = 4;  // up to here, items one by one are as fast
constexpr std::uint64_t kGuideCells = 4;        // per category, of the search for an item
// The Poisson means sum to this many standard deviations below the number of items, so one round in
// a thousand or less is drawn again.
constexpr double kMargin = 4.5;
constexpr int kAttempts = 32;
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

std::vector<std::uint16_t> ResampleUnits(Rng& rng, std::uint32_t units) {
  std::vector<std::uint16_t> counts(units, 0);
  Rng random = rng;  // a copy, which stays in registers
  for (std::uint32_t i = 0; i < units; ++i) ++counts[random.Below(units)];
  rng = random;
  return counts;
}

std::uint32_t PoissonTables::Add(double mean) {
  const double mode = std::floor(mean);
  const double top = mean > 0 ? std::exp(mode * std::log(mean) - mean - LogFactorial(mode)) : 1;
  std::vector<double> below;  // probabilities from mode - 1 downwards
  double probability = top;
  for (double k = mode; k > 0 && probability > kNegligible; k -= 1) {
    probability *= k / mean;
    below.push_back(probability);
  }
  std::vector<double> probabilities(below.rbegin(), below.rend());
  probability = top;
  for (double k = mode; probability > kNegligible; k += 1) {
    probabilities.push_back(probability);
    probability *= mean / (k + 1);
  }
  FillCells(std::move(probabilities),
            static_cast<std::uint32_t>(mode - static_cast<double>(below.size())));
  return static_cast<std::uint32_t>(tables_.size() - 1);
}

// Vose's construction: a cell with less than its share of mass is filled up from one with more.
void PoissonTables::FillCells(std::vector<double> mass, std::uint32_t lowest) {
  const std::size_t cells = std::max<std::size_t>(2, std::bit_ceil(mass.size()));
  tables_.push_back({cells_.size(), 64 - std::countr_zero(cells)});
  const double sum = std::accumulate(mass.begin(), mass.end(), 0.0);
  mass.resize(cells, 0);
  std::vector<std::uint32_t> short_of;
  std::vector<std::uint32_t> over;
  for (std::uint32_t i = 0; i < cells; ++i) {
    mass[i] *= static_cast<double>(cells) / sum;
    (mass[i] < 1 ? short_of : over).push_back(i);
  }
  const std::size_t first = cells_.size();
  cells_.resize(first + cells);
  while (!short_of.empty() && !over.empty()) {
    const std::uint32_t taker = short_of.back();
    short_of.pop_back();
    const std::uint32_t giver = over.back();
    cells_[first + taker] = {static_cast<std::uint64_t>(mass[taker] * 0x1p64), lowest + taker,
                             lowest + giver};
    mass[giver] -= 1 - mass[taker];
    if (mass[giver] < 1) {
      over.pop_back();
      short_of.push_back(giver);
    }
  }
  // What is left is full but for rounding.
  over.insert(over.end(), short_of.begin(), short_of.end());
  for (const std::uint32_t i : over) {
    cells_[first + i] = {~std::uint64_t{0}, lowest + i, lowest + i};
  }
}

Multinomial::Multinomial(std::vector<double> sizes) : sizes_(std::move(sizes)) {
  constexpr auto kSizes = static_cast<std::size_t>(kLargestByTable) + 1;
  std::vector<std::size_t> place_of_size(kSizes + 1, 0);  // among the small ones
  for (std::uint32_t i = 0; i < sizes_.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(sizes_[i]);
    total_ += size;
    if (sizes_[i] > kLargestByTable) {
      large_.push_back(i);
    } else if (size > 0) {
      ++place_of_size[size + 1];
    }
  }
  std::partial_sum(place_of_size.begin(), place_of_size.end(), place_of_size.begin());
  small_.resize(place_of_size.back());
  for (std::uint32_t i = 0; i < sizes_.size(); ++i) {
    const bool is_small = sizes_[i] >= 1 && sizes_[i] <= kLargestByTable;
    if (is_small) small_[place_of_size[static_cast<std::size_t>(sizes_[i])]++] = i;
  }
  for (const std::uint32_t i : small_) {
    first_item_.push_back(small_total_);
    small_total_ += static_cast<std::uint64_t>(sizes_[i]);
  }
  first_item_.push_back(small_total_);
  use_tables_ = small_total_ > kItemsPerCategory * small_.size();
  if (use_tables_) PrepareTables();
  while ((small_total_ >> guide_shift_) > kGuideCells * small_.size() + 1) ++guide_shift_;
  std::uint32_t category = 0;
  for (std::uint64_t item = 0; item < small_total_; item += std::uint64_t{1} << guide_shift_) {
    while (first_item_[category + 1] <= item) ++category;
    guide_.push_back(category);
  }
}

void Multinomial::PrepareTables() {
  const auto total = static_cast<double>(small_total_);
  const double factor = std::max(0.0, 1 - kMargin / std::sqrt(total));
  std::vector<std::uint32_t> table_of_size(static_cast<std::size_t>(kLargestByTable) + 1, 0);
  for (const std::uint32_t i : small_) {
    std::uint32_t& table = table_of_size[static_cast<std::size_t>(sizes_[i])];
    if (table == 0) table = poisson_.Add(factor * sizes_[i]) + 1;
    table_.push_back(table - 1);
  }
}

std::uint32_t Multinomial::DrawSmall(Rng& rng) const {
  const std::uint64_t item = rng.Below(small_total_);
  std::uint32_t category = guide_[item >> guide_shift_];
  while (first_item_[category + 1] <= item) ++category;
  return small_[category];
}

void Multinomial::DrawOneByOne(Rng& rng, std::uint64_t trials, std::vector<double>& counts) const {
  Rng random = rng;  // a copy, which stays in registers
  for (std::uint64_t i = 0; i < trials; ++i) counts[DrawSmall(random)] += 1;
  rng = random;
}

// False: the Poisson counts sum to more than `trials`.
bool Multinomial::DrawByTables(Rng& rng, std::uint64_t trials, std::vector<double>& counts) const {
  std::uint64_t drawn = 0;
  Rng random = rng;  // a copy, which stays in registers
  for (std::size_t i = 0; i < small_.size(); ++i) {
    const std::uint32_t count = poisson_.Draw(random, table_[i]);
    counts[small_[i]] = count;
    drawn += count;
  }
  rng = random;
  if (drawn > trials) return false;
  DrawOneByOne(rng, trials - drawn, counts);
  return true;
}

void Multinomial::Draw(Rng& rng, std::vector<double>& counts) const {
  counts.assign(sizes_.size(), 0);
  std::uint64_t trials = total_;
  auto items = static_cast<double>(total_);
  for (const std::uint32_t i : large_) {
    // Binomial given what the earlier categories have taken.
    const std::uint64_t drawn = DrawBinomial(rng, trials, sizes_[i] / items);
    counts[i] = static_cast<double>(drawn);
    trials -= drawn;
    items -= sizes_[i];
  }
  for (int attempt = 0; use_tables_ && attempt < kAttempts; ++attempt) {
    if (DrawByTables(rng, trials, counts)) return;
    for (const std::uint32_t i : small_) counts[i] = 0;
  }
  DrawOneByOne(rng, trials, counts);
}

}  // namespace arena::rating_internal
