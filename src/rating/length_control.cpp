#include "rating/length_control.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/board_building.h"
#include "rating/internal/length_control_fit.h"
#include "rating/internal/length_control_task.h"

namespace arena {
namespace {

using rating_internal::Estimate;
using rating_internal::LengthLogit;
using rating_internal::LengthProblem;
using rating_internal::LengthRow;
using rating_internal::LengthTask;
using rating_internal::LengthVector;
using rating_internal::Logistic;

/// Fits with every row's weight multiplied by how often its unit was drawn.
LengthVector Fit(const LengthProblem& problem, const LengthControlOptions& options,
                 const std::vector<std::uint32_t>* drawn) {
  std::vector<LengthRow> rows = problem.gamed;
  for (const LengthRow& row : problem.rows) {
    const double times = drawn == nullptr ? 1 : (*drawn)[row.unit];
    if (times == 0) continue;
    rows.push_back(row);
    rows.back().weight *= times;
  }
  if (options.fit == LengthControlFit::kRidge) {
    return rating_internal::FitRidge(rows, options.ridge);
  }
  return rating_internal::FitLasso(rows, problem.inverse_penalty, {});
}

/// P at no difference of length.
double EvenLengthShare(const LengthVector& w, const LengthRow& row) {
  return Logistic(LengthLogit(w, {0, row.x[1], row.x[2]}));
}

/// Mean P at no difference of length, in [0, 1].
double LengthControlledShare(const LengthProblem& problem, const LengthVector& w,
                             const std::vector<std::uint32_t>* drawn) {
  double share = 0;
  double count = 0;
  for (const LengthRow& row : problem.rows) {
    const double times = drawn == nullptr ? 1 : (*drawn)[row.unit];
    share += times * EvenLengthShare(w, row);
    count += times;
  }
  return count > 0 ? share / count : 0.5;
}

Eigen::Vector3d ToEigen(const LengthVector& x) { return {x[0], x[1], x[2]}; }

/// Standard error of the share: the influence of each unit on the coefficients and on the mean,
/// added up within the unit and squared.
double StandardError(const LengthProblem& problem, const LengthVector& w, double share,
                     double ridge, std::uint32_t units) {
  const double n = static_cast<double>(problem.rows.size());
  Eigen::Matrix3d hessian = ridge * Eigen::Matrix3d::Identity();
  Eigen::Vector3d gradient = Eigen::Vector3d::Zero();  // of the share in the coefficients
  for (const std::vector<LengthRow>* rows : {&problem.rows, &problem.gamed}) {
    for (const LengthRow& row : *rows) {
      const double p = Logistic(LengthLogit(w, row.x));
      hessian += row.weight * p * (1 - p) * ToEigen(row.x) * ToEigen(row.x).transpose();
    }
  }
  for (const LengthRow& row : problem.rows) {
    const double even = EvenLengthShare(w, row);
    gradient += even * (1 - even) / n * ToEigen({0, row.x[1], row.x[2]});
  }
  const Eigen::Vector3d direction = hessian.ldlt().solve(gradient);
  std::vector<double> influence(units);
  for (const LengthRow& row : problem.rows) {
    const double p = Logistic(LengthLogit(w, row.x));
    influence[row.unit] += row.weight * (row.target - p) * direction.dot(ToEigen(row.x)) +
                           (EvenLengthShare(w, row) - share) / n;
  }
  double variance = 0;
  for (const double one : influence) variance += one * one;
  return std::sqrt(variance);
}

/// Bounds symmetric in log odds, so that they stay within 0 and 100 percent.
Estimate SandwichEstimate(double share, double standard_error, double level) {
  const double logit = std::log(share / (1 - share));
  const double margin =
      rating_internal::NormalQuantile(level) * standard_error / (share * (1 - share));
  return {100 * share, 100 * Logistic(logit - margin), 100 * Logistic(logit + margin)};
}

std::vector<Estimate> Sandwich(const LengthTask& task, const RatingOptions& options,
                               const LengthControlOptions& length_control) {
  constexpr double kLassoRidge = 1e-6;  // only so that the matrix can be inverted
  const double ridge =
      length_control.fit == LengthControlFit::kRidge ? length_control.ridge : kLassoRidge;
  std::vector<Estimate> estimates(task.problems.size(), Estimate{50, 50, 50});
  ParallelFor(estimates.size(), options.threads, [&](std::size_t m) {
    if (m == task.baseline) return;
    const LengthProblem& problem = task.problems[m];
    const LengthVector w = Fit(problem, length_control, nullptr);
    const double share = LengthControlledShare(problem, w, nullptr);
    estimates[m] =
        SandwichEstimate(share, StandardError(problem, w, share, ridge, task.units), options.level);
  });
  return estimates;
}

/// draws[round][contestant], in percent.
std::vector<std::vector<double>> Bootstrap(const LengthTask& task, const RatingOptions& options,
                                           const LengthControlOptions& length_control) {
  std::vector<std::vector<double>> draws(static_cast<std::size_t>(options.bootstrap_rounds));
  ParallelFor(draws.size(), options.threads, [&](std::size_t round) {
    Rng rng(options.seed, round);
    std::vector<std::uint32_t> drawn(task.units);
    for (std::uint32_t draw = 0; draw < task.units; ++draw) ++drawn[rng.Below(task.units)];
    draws[round].assign(task.problems.size(), 50.0);
    for (std::size_t m = 0; m < task.problems.size(); ++m) {
      if (m == task.baseline) continue;
      const LengthVector w = Fit(task.problems[m], length_control, &drawn);
      draws[round][m] = 100 * LengthControlledShare(task.problems[m], w, &drawn);
    }
  });
  return draws;
}

void WarnOfDifferences(const RatingOptions& options, const LengthControlOptions& length_control,
                       LengthTask& task) {
  if (length_control.difficulty.empty() || length_control.gamed.empty()) {
    task.warnings.emplace_back(
        "length control without AlpacaEval's tables of difficulties and gamed baselines: figures "
        "compare with each other and not with its published ones, which are several points lower "
        "for contestants that write less than the baseline");
  }
  if (options.anchor) {
    task.warnings.emplace_back("length-controlled win rates take no anchor; it is ignored");
  }
}

}  // namespace

Result<std::vector<LengthControlCoefficients>> FitLengthControl(
    const Dataset& data, const RatingOptions& options, const LengthControlOptions& length_control) {
  ARENA_ASSIGN_OR_RETURN(const LengthTask task,
                         rating_internal::MakeLengthTask(data, options, length_control));
  std::vector<LengthControlCoefficients> fits;
  for (std::size_t m = 0; m < task.problems.size(); ++m) {
    if (m == task.baseline) continue;
    const LengthProblem& problem = task.problems[m];
    const LengthVector w = Fit(problem, length_control, nullptr);
    fits.push_back({task.canonical.names[m], w[0], w[1], w[2], problem.deviation,
                    problem.inverse_penalty, 100 * LengthControlledShare(problem, w, nullptr),
                    static_cast<std::int64_t>(problem.rows.size())});
  }
  return fits;
}

Result<Board> RateLengthControlled(const Dataset& data, const RatingOptions& options,
                                   const LengthControlOptions& length_control) {
  ARENA_ASSIGN_OR_RETURN(LengthTask task,
                         rating_internal::MakeLengthTask(data, options, length_control));
  WarnOfDifferences(options, length_control, task);
  std::vector<Estimate> estimates;
  std::vector<std::vector<double>> draws;
  if (options.interval == IntervalMethod::kSandwich) {
    estimates = Sandwich(task, options, length_control);
  } else {
    draws = Bootstrap(task, options, length_control);
    estimates = rating_internal::SummariseDraws(draws, options.level);
  }

  RatingOptions shown = options;
  shown.clustering = task.clustering;
  shown.anchor.reset();
  Board board =
      rating_internal::BuildBoard(data, task.canonical, shown, "lc", estimates, std::move(draws));
  for (BoardRow& row : board.contestants) {
    const auto at =
        std::lower_bound(task.canonical.names.begin(), task.canonical.names.end(), row.name) -
        task.canonical.names.begin();
    const auto m = static_cast<std::size_t>(at);
    row.lc_win_rate = row.rating;
    row.win_rate = m == task.baseline ? 50 : 100 * task.problems[m].raw_share;
  }
  board.anchor.clear();
  board.warnings.insert(board.warnings.end(), task.warnings.begin(), task.warnings.end());
  return board;
}

}  // namespace arena
