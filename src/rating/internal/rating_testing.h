// Small inputs for tests of ratings.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/rate.h"

namespace arena::rating_testing {

/// One result of a against b.
struct Result3 {
  std::string a;
  std::string b;
  double share;
  double weight = 1;
  std::string instruction;
};

inline Dataset Collect(const std::vector<Result3>& results, bool clusters = true) {
  DatasetOptions options;
  options.keep_clusters = clusters;
  Dataset data(options);
  for (const Result3& r : results) data.AddResult(r.a, r.b, r.instruction, r.share, r.weight);
  return data;
}

// Plain log odds around zero, no clusters, next to no ridge.
inline RatingOptions LogOdds() {
  RatingOptions options;
  options.clustering = Clustering::kNone;
  options.scale = 1;
  options.base = std::exp(1.0);
  options.center = 0;
  options.ridge = 0;
  return options;
}

inline Board MustRate(const Dataset& data, const RatingOptions& options) {
  auto board = Rate(data, options);
  EXPECT_TRUE(board.ok()) << board.error().message;
  return board.ok() ? *board : Board{};
}

inline const BoardRow& Find(const Board& board, const std::string& name) {
  const auto found = std::find_if(board.contestants.begin(), board.contestants.end(),
                                  [&](const BoardRow& row) { return row.name == name; });
  EXPECT_NE(found, board.contestants.end()) << name;
  return *found;
}

inline void AddGames(std::vector<Result3>& results, const std::string& a, const std::string& b,
                     int won, int lost) {
  for (int i = 0; i < won; ++i) results.push_back({a, b, 1, 1, ""});
  for (int i = 0; i < lost; ++i) results.push_back({b, a, 1, 1, ""});
}

// Ratings with clusters of several battles, ties, fractions and weights.
inline std::vector<Result3> RandomResults(std::uint64_t seed, int contestants, int instructions,
                                          int battles) {
  Rng rng(seed);
  std::vector<Result3> results;
  for (int i = 0; i < battles; ++i) {
    const auto a = rng.Below(static_cast<std::uint64_t>(contestants));
    auto b = rng.Below(static_cast<std::uint64_t>(contestants) - 1);
    if (b >= a) ++b;
    const double gap = 0.4 * (static_cast<double>(b) - static_cast<double>(a));
    const double p = 1 / (1 + std::exp(-gap));
    const double u = rng.Uniform();
    const double share = u < 0.1 ? 0.5 : u < 0.15 ? 0.25 : (rng.Uniform() < p ? 1 : 0);
    results.push_back({"m" + std::to_string(a), "m" + std::to_string(b), share,
                       rng.Below(4) == 0 ? 0.5 : 1,
                       "q" + std::to_string(rng.Below(static_cast<std::uint64_t>(instructions)))});
  }
  return results;
}

}  // namespace arena::rating_testing
