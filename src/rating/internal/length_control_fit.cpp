#include "rating/internal/length_control_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

namespace arena::rating_internal {
namespace {

constexpr std::size_t kFolds = 5;
constexpr int kPenalties = 10;

/// log(1 + exp(x)) without overflow.
double Softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double CrossEntropy(const LengthRow& row, const LengthVector& w) {
  const double logit = LengthLogit(w, row.x);
  return Softplus(logit) - row.target * logit;
}

double Loss(std::span<const LengthRow> rows, const LengthVector& w) {
  double loss = 0;
  for (const LengthRow& row : rows) loss += row.weight * CrossEntropy(row, w);
  return loss;
}

double RidgeObjective(std::span<const LengthRow> rows, const LengthVector& w, double ridge) {
  return Loss(rows, w) + ridge / 2 * LengthLogit(w, w);
}

/// Newton's step of the ridge objective.
LengthVector NewtonStep(std::span<const LengthRow> rows, const LengthVector& w, double ridge) {
  Eigen::Vector3d gradient(ridge * w[0], ridge * w[1], ridge * w[2]);
  Eigen::Matrix3d hessian = ridge * Eigen::Matrix3d::Identity();
  for (const LengthRow& row : rows) {
    const double p = Logistic(LengthLogit(w, row.x));
    const Eigen::Vector3d x(row.x[0], row.x[1], row.x[2]);
    gradient += row.weight * (p - row.target) * x;
    hessian += row.weight * p * (1 - p) * x * x.transpose();
  }
  const Eigen::Vector3d step = hessian.ldlt().solve(-gradient);
  return {step[0], step[1], step[2]};
}

struct Slope {
  double first = 0;
  double second = 0;
};

/// Derivatives of the loss along one coefficient.
Slope Derivatives(std::span<const LengthRow> rows, const LengthVector& w, std::size_t k) {
  Slope slope;
  for (const LengthRow& row : rows) {
    const double p = Logistic(LengthLogit(w, row.x));
    slope.first += row.weight * (p - row.target) * row.x[k];
    slope.second += row.weight * p * (1 - p) * row.x[k] * row.x[k];
  }
  return slope;
}

/// Where the quadratic model of the loss plus |w| has its minimum, relative to `w`.
double LassoDirection(const Slope& slope, double w) {
  constexpr double kFloor = 1e-12;  // a feature that is 0 throughout has no curvature
  const double curvature = std::max(slope.second, kFloor);
  if (slope.first + 1 <= curvature * w) return -(slope.first + 1) / curvature;
  if (slope.first - 1 >= curvature * w) return -(slope.first - 1) / curvature;
  return -w;
}

/// Moves one coefficient; returns how far.
double LassoMove(std::span<const LengthRow> rows, double inverse_penalty, LengthVector& w,
                 std::size_t k) {
  Slope slope = Derivatives(rows, w, k);
  slope.first *= inverse_penalty;
  slope.second *= inverse_penalty;
  double step = LassoDirection(slope, w[k]);
  const auto objective = [&](const LengthVector& at) {
    return std::abs(at[k]) + inverse_penalty * Loss(rows, at);
  };
  const double before = objective(w);
  for (int halving = 0; halving < 40 && step != 0; ++halving) {
    LengthVector moved = w;
    moved[k] += step;
    if (objective(moved) <= before) {
      w = moved;
      return std::abs(step);
    }
    step /= 2;
  }
  return 0;
}

}  // namespace

double Logistic(double x) { return 1 / (1 + std::exp(-x)); }

double LengthLogit(const LengthVector& coefficients, const LengthVector& x) {
  return coefficients[0] * x[0] + coefficients[1] * x[1] + coefficients[2] * x[2];
}

LengthVector FitRidge(std::span<const LengthRow> rows, double ridge) {
  constexpr int kMaxSteps = 200;
  constexpr double kTolerance = 1e-10;
  LengthVector w{};
  double objective = RidgeObjective(rows, w, ridge);
  for (int i = 0; i < kMaxSteps; ++i) {
    LengthVector step = NewtonStep(rows, w, ridge);
    LengthVector moved = w;
    double moved_objective = std::numeric_limits<double>::infinity();
    for (int halving = 0; halving < 40; ++halving) {
      for (std::size_t k = 0; k < kLengthFeatures; ++k) moved[k] = w[k] + step[k];
      moved_objective = RidgeObjective(rows, moved, ridge);
      if (moved_objective <= objective) break;
      for (double& part : step) part /= 2;
    }
    if (!(moved_objective <= objective)) break;  // rounding: no step improves any more
    w = moved;
    objective = moved_objective;
    if (std::sqrt(LengthLogit(step, step)) < kTolerance) break;
  }
  return w;
}

LengthVector FitLasso(std::span<const LengthRow> rows, double inverse_penalty, LengthVector start) {
  constexpr int kMaxSweeps = 2000;
  constexpr double kTolerance = 1e-7;
  LengthVector w = start;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double moved = 0;
    for (std::size_t k = 0; k < kLengthFeatures; ++k) {
      moved = std::max(moved, LassoMove(rows, inverse_penalty, w, k));
    }
    if (moved < kTolerance) break;
  }
  return w;
}

double ChooseInversePenalty(std::span<const LengthRow> rows) {
  std::array<double, kPenalties> score{};
  std::array<double, kPenalties> penalty{};
  for (std::size_t c = 0; c < kPenalties; ++c) {
    penalty[c] = std::pow(10.0, -4 + 8 * static_cast<double>(c) / (kPenalties - 1));
  }
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<LengthRow> kept;
    std::vector<LengthRow> held_out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      (i % kFolds == fold ? held_out : kept).push_back(rows[i]);
    }
    if (held_out.empty()) continue;
    LengthVector w{};
    for (std::size_t c = 0; c < kPenalties; ++c) {
      w = FitLasso(kept, penalty[c], w);
      score[c] -= Loss(held_out, w) / static_cast<double>(held_out.size());
    }
  }
  std::size_t best = 0;
  for (std::size_t c = 1; c < kPenalties; ++c) {
    if (score[c] > score[best]) best = c;
  }
  return penalty[best];
}

}  // namespace arena::rating_internal
