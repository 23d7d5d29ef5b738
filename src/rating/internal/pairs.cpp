#include "rating/internal/pairs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace arena::rating_internal {
namespace {

constexpr std::size_t kDenseContestants = 1024;  // 4 MiB of indices

double PairWeight(const RatingOptions& options, double results) {
  return options.reweight_pairs ? 1 / std::max(results, options.reweight_floor) : 1;
}

}  // namespace

std::size_t Pairs::Find(std::uint32_t x, std::uint32_t y) const {
  if (!dense.empty()) return dense[x * contestants + y];
  const auto begin = b.begin() + static_cast<std::ptrdiff_t>(first[x]);
  const auto end = b.begin() + static_cast<std::ptrdiff_t>(first[x + 1]);
  return static_cast<std::size_t>(std::lower_bound(begin, end, y) - b.begin());
}

Pairs CollectPairs(const Canonical& canonical, const RatingOptions& options) {
  Pairs pairs;
  pairs.contestants = canonical.size();
  pairs.first.assign(canonical.size() + 1, 0);
  for (const UniqueRow& row : canonical.rows) {
    if (pairs.size() == 0 || pairs.a.back() != row.a || pairs.b.back() != row.b) {
      pairs.a.push_back(row.a);
      pairs.b.push_back(row.b);
      pairs.factor.push_back(0);
      ++pairs.first[row.a + 1];
    }
    pairs.factor.back() += row.weight * row.count;
  }
  for (double& factor : pairs.factor) factor = PairWeight(options, factor);
  std::partial_sum(pairs.first.begin(), pairs.first.end(), pairs.first.begin());
  if (pairs.contestants <= kDenseContestants) {
    pairs.dense.assign(pairs.contestants * pairs.contestants, 0);
    for (std::uint32_t p = 0; p < pairs.size(); ++p) {
      pairs.dense[pairs.a[p] * pairs.contestants + pairs.b[p]] = p;
    }
  }
  return pairs;
}

void AddPairProducts(const Pairs& pairs, std::span<const double> values, std::span<double> matrix,
                     std::size_t stride) {
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const std::size_t a = pairs.a[p];
    const std::size_t b = pairs.b[p];
    matrix[a * stride + a] += values[p];
    matrix[b * stride + b] += values[p];
    matrix[a * stride + b] -= values[p];
    matrix[b * stride + a] -= values[p];
  }
}

Units::Units(const Dataset& data) : of_cluster_(data.cluster_keys().size() + 1, 0) {
  const std::vector<Key>& keys = data.cluster_keys();
  std::vector<bool> has_row(of_cluster_.size(), false);
  data.ForEachRow([&](const ResultRow& row) { has_row[row.cluster] = true; });
  std::vector<std::uint32_t> used;
  for (std::uint32_t c = 1; c < of_cluster_.size(); ++c) {
    if (has_row[c]) used.push_back(c);
  }
  std::sort(used.begin(), used.end(),
            [&](std::uint32_t x, std::uint32_t y) { return keys[x - 1] < keys[y - 1]; });
  for (const std::uint32_t cluster : used) of_cluster_[cluster] = instructions_++;
}

double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

}  // namespace arena::rating_internal
