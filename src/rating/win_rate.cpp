#include "rating/win_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/binomial.h"
#include "rating/internal/board_building.h"
#include "rating/internal/pairs.h"

namespace arena {
namespace {

using namespace rating_internal;  // NOLINT: this file is the internals' user

// What one sampling unit has to say of one contestant; `count` such units alike.
struct Share {
  std::uint32_t contestant = 0;
  std::uint32_t unit = 0;
  double weight = 0;
  double won = 0;
  double count = 1;
};

struct Shares {
  std::vector<Share> shares;
  std::vector<double> unit_sizes;  // for the bootstrap
};

struct Baseline {
  std::optional<std::uint32_t> index;
  bool Skips(std::uint32_t a, std::uint32_t b) const { return index && *index != a && *index != b; }
  bool Is(std::uint32_t contestant) const { return index && *index == contestant; }
};

// Without the contestants that never met the baseline, and their rows.
Canonical KeepThoseWhoMet(const Canonical& all, std::uint32_t baseline,
                          std::vector<std::string>& warnings) {
  std::vector<bool> met(all.size(), false);
  for (const UniqueRow& row : all.rows) {
    if (row.a == baseline || row.b == baseline) met[row.a] = met[row.b] = true;
  }
  Canonical kept;
  kept.from_dataset.assign(all.from_dataset.size(), kNotRated);
  std::vector<std::uint32_t> place(all.size(), kNotRated);
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (!met[i]) {
      warnings.push_back(fmt::format("\"{}\" is not on the board: it never met the baseline \"{}\"",
                                     all.names[i], all.names[baseline]));
      continue;
    }
    place[i] = static_cast<std::uint32_t>(kept.size());
    kept.names.push_back(all.names[i]);
    kept.to_dataset.push_back(all.to_dataset[i]);
    kept.from_dataset[all.to_dataset[i]] = place[i];
  }
  for (UniqueRow row : all.rows) {
    if (!met[row.a] || !met[row.b]) continue;
    row.a = place[row.a];
    row.b = place[row.b];
    kept.rows.push_back(row);
  }
  return kept;
}

Shares IndependentShares(const Canonical& canonical, const Baseline& baseline) {
  Shares result;
  for (const UniqueRow& row : canonical.rows) {
    if (baseline.Skips(row.a, row.b)) continue;
    const auto unit = static_cast<std::uint32_t>(result.unit_sizes.size());
    result.unit_sizes.push_back(row.count);
    result.shares.push_back({row.a, unit, row.weight, row.weight * row.share, row.count});
    result.shares.push_back({row.b, unit, row.weight, row.weight * (1 - row.share), row.count});
  }
  return result;
}

auto ShareKey(const Share& s) { return std::tie(s.unit, s.contestant, s.weight, s.won); }

Shares ClusteredShares(const Dataset& data, const Canonical& canonical, const Baseline& baseline) {
  const Units units(data);
  std::vector<std::pair<Share, Share>> lone;
  Shares result;
  data.ForEachRow([&](const ResultRow& row) {
    const std::uint32_t a = canonical.from_dataset[row.a];
    const std::uint32_t b = canonical.from_dataset[row.b];
    if (a == kNotRated || b == kNotRated || baseline.Skips(a, b)) return;
    const double weight = row.weight;
    Share of_a{a, 0, weight, weight * row.share, 1};
    Share of_b{b, 0, weight, weight * (1 - double{row.share}), 1};
    if (row.cluster == 0) {
      if (a > b) std::swap(of_a, of_b);
      lone.insert(lone.end(), row.count, {of_a, of_b});
    } else {
      of_a.unit = of_b.unit = units.OfCluster(row.cluster);
      result.shares.push_back(of_a);
      result.shares.push_back(of_b);
    }
  });
  const auto before = [](const Share& x, const Share& y) { return ShareKey(x) < ShareKey(y); };
  std::sort(lone.begin(), lone.end(), [&](const auto& x, const auto& y) {
    return std::tuple(ShareKey(x.first), ShareKey(x.second)) <
           std::tuple(ShareKey(y.first), ShareKey(y.second));
  });
  std::uint32_t unit = units.instructions();
  for (auto& [of_a, of_b] : lone) {
    of_a.unit = of_b.unit = unit++;
    result.shares.push_back(of_a);
    result.shares.push_back(of_b);
  }
  result.unit_sizes.assign(unit, 1);
  std::sort(result.shares.begin(), result.shares.end(), before);
  std::size_t kept = 0;
  for (const Share& share : result.shares) {
    Share* last = kept > 0 ? &result.shares[kept - 1] : nullptr;
    if (last != nullptr && last->unit == share.unit && last->contestant == share.contestant) {
      last->weight += share.weight;
      last->won += share.won;
    } else {
      result.shares[kept++] = share;
    }
  }
  result.shares.resize(kept);
  return result;
}

// Win rates as shares, units counted `counts` times; `fallback` where nothing was drawn.
std::vector<double> WinShares(const Shares& shares, std::size_t contestants,
                              const std::vector<double>& counts,
                              const std::vector<double>& fallback) {
  std::vector<double> weight(contestants, 0);
  std::vector<double> won(contestants, 0);
  for (const Share& share : shares.shares) {
    weight[share.contestant] += counts[share.unit] * share.weight;
    won[share.contestant] += counts[share.unit] * share.won;
  }
  for (std::size_t i = 0; i < contestants; ++i) {
    won[i] = weight[i] > 0 ? won[i] / weight[i] : fallback[i];
  }
  return won;
}

std::vector<Estimate> SandwichEstimates(const Shares& shares, const std::vector<double>& point,
                                        double level) {
  std::vector<double> squares(point.size(), 0);
  std::vector<double> weight(point.size(), 0);
  for (const Share& share : shares.shares) {
    const double score = share.won - point[share.contestant] * share.weight;
    squares[share.contestant] += share.count * score * score;
    weight[share.contestant] += share.count * share.weight;
  }
  const double z = NormalQuantile(level);
  std::vector<Estimate> estimates;
  for (std::size_t i = 0; i < point.size(); ++i) {
    const double half = weight[i] > 0 ? z * std::sqrt(squares[i]) / weight[i] : 0;
    estimates.push_back({100 * point[i], 100 * std::max(point[i] - half, 0.0),
                         100 * std::min(point[i] + half, 1.0)});
  }
  return estimates;
}

std::vector<std::vector<double>> Draw(const Shares& shares, const std::vector<double>& point,
                                      const Baseline& baseline, const RatingOptions& options) {
  const Multinomial sampler(shares.unit_sizes);
  std::vector<std::vector<double>> draws(static_cast<std::size_t>(options.bootstrap_rounds));
  ParallelFor(draws.size(), options.threads, [&](std::size_t round) {
    Rng rng(options.seed, round);
    std::vector<double> counts;
    sampler.Draw(rng, counts);
    draws[round] = WinShares(shares, point.size(), counts, point);
    if (baseline.index) draws[round][*baseline.index] = 0.5;
    for (double& value : draws[round]) value *= 100;
  });
  return draws;
}

void WarnOfExtremes(const Canonical& canonical, const std::vector<double>& point,
                    std::vector<std::string>& warnings) {
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (point[i] > 0 && point[i] < 1) continue;
    warnings.push_back(
        fmt::format("\"{}\" {} every battle, so its interval has no width and says nothing",
                    canonical.names[i], point[i] > 0 ? "won" : "lost"));
  }
}

}  // namespace

Result<Board> RateWinRate(const Dataset& data, const RatingOptions& options) {
  ARENA_RETURN_IF_ERROR(CheckOptions(data, options));
  if (options.style.enabled || options.reweight_pairs) {
    return InvalidInput(
        "style control and pair-count reweighting are Bradley-Terry's; win rates have neither");
  }
  RatingOptions effective = options;
  effective.anchor.reset();
  std::vector<std::string> warnings;
  ARENA_ASSIGN_OR_RETURN(Canonical canonical, Canonicalise(data));
  Baseline baseline;
  if (!options.baseline.empty()) {
    ARENA_ASSIGN_OR_RETURN(const std::uint32_t index,
                           FindContestant(canonical, options.baseline, "baseline"));
    canonical = KeepThoseWhoMet(canonical, index, warnings);
    ARENA_ASSIGN_OR_RETURN(baseline.index, FindContestant(canonical, options.baseline, "baseline"));
  }
  effective.clustering = EffectiveClustering(data, options, warnings);
  const Shares shares = effective.clustering == Clustering::kInstruction
                            ? ClusteredShares(data, canonical, baseline)
                            : IndependentShares(canonical, baseline);
  const std::vector<double> once = effective.clustering == Clustering::kInstruction
                                       ? std::vector<double>(shares.unit_sizes.size(), 1)
                                       : shares.unit_sizes;
  std::vector<double> point =
      WinShares(shares, canonical.size(), once, std::vector<double>(canonical.size(), 0.5));
  if (baseline.index) point[*baseline.index] = 0.5;
  WarnOfExtremes(canonical, point, warnings);
  std::vector<std::vector<double>> draws;
  std::vector<Estimate> estimates;
  if (options.interval == IntervalMethod::kBootstrap) {
    draws = Draw(shares, point, baseline, effective);
    estimates = SummariseDraws(draws, options.level);
  } else {
    estimates = SandwichEstimates(shares, point, options.level);
    if (baseline.index) estimates[*baseline.index] = {50, 50, 50};
  }
  Board board = BuildBoard(data, canonical, effective, "winrate", estimates, std::move(draws));
  board.warnings.insert(board.warnings.begin(), warnings.begin(), warnings.end());
  return board;
}

}  // namespace arena
