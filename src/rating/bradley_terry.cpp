#include "rating/bradley_terry.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/board_building.h"
#include "rating/internal/connectivity.h"
#include "rating/internal/newton.h"
#include "rating/internal/problem.h"

namespace arena {
namespace {

using namespace rating_internal;  // NOLINT: this file is the internals' user

constexpr double kRidgeFloor = 1e-9;

// Everything about one rating that the steps below share.
struct Job {
  RatingOptions options;  // with the clustering that the data allow
  Canonical canonical;
  Connectivity connectivity;
  std::optional<std::uint32_t> anchor;
  std::vector<std::uint32_t> anchor_group;
  std::unique_ptr<Problem> problem;
  std::vector<StyleCoefficient> style;
  bool style_is_fitted = false;
  std::vector<std::string> warnings;

  std::size_t contestants() const { return canonical.size(); }
};

Result<Job> Prepare(const Dataset& data, const RatingOptions& options) {
  ARENA_RETURN_IF_ERROR(CheckOptions(data, options));
  Job job;
  job.options = options;
  ARENA_ASSIGN_OR_RETURN(job.canonical, Canonicalise(data));
  if (options.anchor) {
    ARENA_ASSIGN_OR_RETURN(job.anchor,
                           FindContestant(job.canonical, options.anchor->first, "anchor"));
  }
  for (const std::string& name : options.anchor_group) {
    ARENA_ASSIGN_OR_RETURN(const std::uint32_t index,
                           FindContestant(job.canonical, name, "anchor"));
    job.anchor_group.push_back(index);
  }
  job.options.clustering = EffectiveClustering(data, options, job.warnings);
  job.connectivity = FindConnectivity(job.canonical);
  for (std::string& warning : ConnectivityWarnings(job.canonical, job.connectivity)) {
    job.warnings.push_back(std::move(warning));
  }
  if (options.style.enabled) {
    ARENA_ASSIGN_OR_RETURN(
        StyleProblem style,
        MakeStyleProblem(data, job.canonical, job.options, job.options.clustering, job.warnings));
    job.problem = std::move(style.problem);
    job.style = std::move(style.coefficients);
    job.style_is_fitted = style.fitted;
  } else {
    job.problem = job.options.clustering == Clustering::kInstruction
                      ? MakeClusteredPairProblem(data, job.canonical, job.options)
                      : MakePairProblem(job.canonical, job.options);
  }
  return job;
}

Penalty MakePenalty(const Job& job) {
  Penalty penalty;
  penalty.component = job.connectivity.component;
  penalty.components = job.connectivity.components;
  penalty.ridge.assign(job.problem->parameters(), std::max(job.options.ridge, kRidgeFloor));
  const StyleOptions& style = job.options.style;
  const double on_style =
      style.ridge_on_style * (style.ridge_per_result ? job.problem->total_weight() : 1);
  for (std::size_t i = job.contestants(); i < penalty.ridge.size(); ++i) {
    penalty.ridge[i] = std::max(on_style, kRidgeFloor);
  }
  // Of the size of the Hessian's own eigenvalues, so that the factor is well conditioned.
  const auto n = static_cast<double>(job.contestants());
  penalty.gauge = job.problem->total_weight() / (2 * n * n);
  return penalty;
}

// What to add to all ratings so that the anchors, or the mean, are where they should be.
double ShiftOf(const Job& job, std::span<const double> points) {
  if (job.anchor_group.empty()) return GaugeShift(points, job.anchor, job.options);
  double sum = 0;
  for (const std::uint32_t i : job.anchor_group) sum += points[i];
  return job.options.center - sum / static_cast<double>(job.anchor_group.size());
}

// Ratings in points: scaled, and shifted to the centre or the anchors.
std::vector<double> ToPoints(const Job& job, std::span<const double> x) {
  std::vector<double> points;
  for (std::size_t i = 0; i < job.contestants(); ++i) {
    points.push_back(PointsPerLogit(job.options) * x[i]);
  }
  const double shift = ShiftOf(job, points);
  for (double& point : points) point += shift;
  return points;
}

// The estimate. With style it starts from the one without, which costs next to nothing.
bool Fit(const Job& job, const Penalty& penalty, Likelihood& whole, std::vector<double>& x,
         std::optional<Factor>& factor) {
  if (job.options.style.enabled) {
    const std::unique_ptr<Problem> plain = MakePairProblem(job.canonical, job.options);
    Penalty without_style = penalty;
    without_style.ridge.resize(job.contestants());
    x.resize(job.contestants());
    Minimise(*plain->Whole(), without_style, x);
    x.resize(job.problem->parameters(), 0);
    MinimiseNear(whole, penalty, Factor(whole, penalty, x), x);
  }
  return Minimise(whole.Exact(), penalty, x, &factor);
}

struct Intervals {
  std::vector<Estimate> estimates;
  std::vector<StyleCoefficient> style;
  std::vector<std::vector<double>> draws;
};

// The variance of parameter i minus the mean of the anchors (none: of itself), where v is the
// covariance of all `size` parameters.
double VarianceToAnchors(const Job& job, const std::vector<double>& v, std::size_t size,
                         std::size_t i) {
  std::vector<std::size_t> anchors(job.anchor_group.begin(), job.anchor_group.end());
  if (job.anchor) anchors.push_back(*job.anchor);
  const auto count = static_cast<double>(anchors.size());
  double variance = v[i * size + i];
  for (const std::size_t a : anchors) {
    variance -= 2 * v[i * size + a] / count;
    for (const std::size_t b : anchors) variance += v[a * size + b] / (count * count);
  }
  return variance;
}

// S of the sandwich, with the units' mean score taken out (it is not zero under a ridge).
std::vector<double> ScoreProducts(const Job& job, Likelihood& whole, std::span<const double> x) {
  const std::size_t size = x.size();
  std::vector<double> products(size * size, 0);
  job.problem->AddScoreProducts(x, products);
  std::vector<double> sum(size, 0);
  whole.AddGradient(x, sum);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      products[i * size + j] -= sum[i] * sum[j] / job.problem->units();
    }
  }
  return products;
}

Intervals SandwichIntervals(const Job& job, Likelihood& whole, const Factor& factor,
                            const std::vector<double>& x) {
  const std::size_t size = x.size();
  const std::vector<double> robust = factor.Sandwich(ScoreProducts(job, whole, x));
  const std::vector<double> model = factor.Inverse();
  const std::vector<bool>& one_sided = job.connectivity.one_sided;
  const double z = NormalQuantile(job.options.level);
  const auto variance = [&](std::size_t i) {
    const auto is_open = [&](std::uint32_t a) { return one_sided[a]; };
    const bool open = one_sided[i] || (job.anchor && one_sided[*job.anchor]) ||
                      std::any_of(job.anchor_group.begin(), job.anchor_group.end(), is_open);
    return VarianceToAnchors(job, open ? model : robust, size, i);
  };
  const std::vector<double> points = ToPoints(job, x);
  Intervals intervals;
  for (std::size_t i = 0; i < job.contestants(); ++i) {
    const bool is_anchor = job.anchor && *job.anchor == i;
    const double half =
        is_anchor ? 0 : z * PointsPerLogit(job.options) * std::sqrt(std::max(variance(i), 0.0));
    intervals.estimates.push_back({points[i], points[i] - half, points[i] + half});
  }
  intervals.style = job.style;
  for (std::size_t f = 0; job.style_is_fitted && f < job.style.size(); ++f) {
    const std::size_t i = job.contestants() + f;
    const double half = z * std::sqrt(std::max(robust[i * size + i], 0.0));
    intervals.style[f].value = x[i];
    intervals.style[f].lower = x[i] - half;
    intervals.style[f].upper = x[i] + half;
  }
  return intervals;
}

// The median of the draws is the estimate, in the style coefficients too.
Intervals BootstrapIntervals(const Job& job, const Penalty& penalty, const Factor& factor,
                             const std::vector<double>& start, bool& converged) {
  const auto rounds = static_cast<std::size_t>(job.options.bootstrap_rounds);
  std::vector<std::vector<double>> fits(rounds);
  std::vector<char> round_converged(rounds, 0);
  ParallelFor(rounds, job.options.threads, [&](std::size_t round) {
    Rng rng(job.options.seed, round);
    const std::unique_ptr<Likelihood> resample = job.problem->Resample(rng);
    std::vector<double> x = start;
    round_converged[round] = MinimiseNear(*resample, penalty, factor, x) ? 1 : 0;
    fits[round] = std::move(x);
  });
  converged =
      std::all_of(round_converged.begin(), round_converged.end(), [](char ok) { return ok != 0; });
  Intervals intervals;
  intervals.style = job.style;
  for (const std::vector<double>& x : fits) intervals.draws.push_back(ToPoints(job, x));
  intervals.estimates = SummariseDraws(intervals.draws, job.options.level);
  if (!job.style_is_fitted) return intervals;
  const std::vector<Estimate> all = SummariseDraws(fits, job.options.level);
  for (std::size_t f = 0; f < job.style.size(); ++f) {
    const Estimate& estimate = all[job.contestants() + f];
    intervals.style[f].value = estimate.rating;
    intervals.style[f].lower = estimate.lower;
    intervals.style[f].upper = estimate.upper;
  }
  return intervals;
}

}  // namespace

Result<Board> RateBradleyTerry(const Dataset& data, const RatingOptions& options) {
  ARENA_ASSIGN_OR_RETURN(Job job, Prepare(data, options));
  const Penalty penalty = MakePenalty(job);
  const std::unique_ptr<Likelihood> whole = job.problem->Whole();
  std::vector<double> x(job.problem->parameters(), 0);
  std::optional<Factor> factor;
  bool converged = Fit(job, penalty, *whole, x, factor);
  Intervals intervals;
  if (options.interval == IntervalMethod::kSandwich) {
    intervals = SandwichIntervals(job, whole->Exact(), *factor, x);
  } else {
    bool rounds_converged = false;
    intervals = BootstrapIntervals(job, penalty, *factor, x, rounds_converged);
    converged = converged && rounds_converged;
  }
  if (!converged) {
    job.warnings.emplace_back(
        "a fit did not converge: the battles nearly separate the contestants; a larger ridge "
        "helps");
  }
  Board board = BuildBoard(data, job.canonical, job.options, "bt", intervals.estimates,
                           std::move(intervals.draws));
  board.style = std::move(intervals.style);
  board.warnings.insert(board.warnings.begin(), job.warnings.begin(), job.warnings.end());
  return board;
}

}  // namespace arena
