#include "rating/internal/newton.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <utility>

#include "rating/internal/kernels.h"

namespace arena::rating_internal {
namespace {

// In log odds. A step of Newton's method squares the error, so after one of 1e-6 about 1e-12
// remain.
constexpr double kNewtonStep = 1e-6;
constexpr int kNewtonIterations = 200;
// Steps with a kept factor are required to shrink by kKeptRate or faster. What remains when they
// stop is below kKeptError, 1e-3 points at the usual scale.
constexpr double kKeptError = 5e-6;
constexpr double kKeptRate = 0.3;
constexpr int kKeptIterations = 30;
constexpr int kHalvings = 40;

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using MatrixView = Eigen::Map<const Matrix>;

Eigen::Index Index(std::size_t i) { return static_cast<Eigen::Index>(i); }

std::vector<double> ComponentSums(const Penalty& penalty, std::span<const double> x) {
  std::vector<double> sums(penalty.components, 0);
  for (std::size_t i = 0; i < penalty.component.size(); ++i) sums[penalty.component[i]] += x[i];
  return sums;
}

double PenalisedValue(Likelihood& likelihood, const Penalty& penalty, std::span<const double> x) {
  double value = likelihood.Value(x);
  for (std::size_t i = 0; i < x.size(); ++i) value += penalty.ridge[i] / 2 * x[i] * x[i];
  for (const double sum : ComponentSums(penalty, x)) value += penalty.gauge / 2 * sum * sum;
  return value;
}

void PenalisedGradient(Likelihood& likelihood, const Penalty& penalty, std::span<const double> x,
                       std::vector<double>& gradient) {
  gradient.assign(x.size(), 0);
  likelihood.AddGradient(x, gradient);
  const std::vector<double> sums = ComponentSums(penalty, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    gradient[i] += penalty.ridge[i] * x[i];
    if (i < penalty.component.size()) gradient[i] += penalty.gauge * sums[penalty.component[i]];
  }
}

double LargestStep(std::span<const double> step) {
  double largest = 0;
  for (const double s : step) largest = std::max(largest, std::abs(s));
  return largest;
}

// Moves x along -step, halving it until the value has fallen enough. False: it never does, so x is
// at the minimum as far as doubles can tell.
bool TakeStep(Likelihood& likelihood, const Penalty& penalty, std::span<const double> gradient,
              std::span<const double> step, std::vector<double>& x) {
  // The logistic loss has |f'''| <= f'', so where a step s changes no logit by more than d, the
  // value changes by at most -s'Hs + s'Hs (e^d - d - 1)/d^2, which is negative for d <= 1.
  if (likelihood.LogitChange(step) <= 1) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= step[i];
    return true;
  }
  const double before = PenalisedValue(likelihood, penalty, x);
  double slope = 0;
  for (std::size_t i = 0; i < step.size(); ++i) slope += gradient[i] * step[i];
  const double rounding = 1e-13 * (1 + std::abs(before));
  std::vector<double> trial(x.size());
  double fraction = 1;
  for (int halving = 0; halving < kHalvings; ++halving, fraction /= 2) {
    for (std::size_t i = 0; i < x.size(); ++i) trial[i] = x[i] - fraction * step[i];
    const double value = PenalisedValue(likelihood, penalty, trial);
    if (value <= before - 1e-4 * fraction * slope + rounding) {
      x.swap(trial);
      return true;
    }
  }
  return false;
}

double Dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

// The inverse Hessian as a kept factor, corrected by what the steps so far showed of the gradient's
// change (the two-loop recursion of L-BFGS, which starts from the factor).
class Curvature {
 public:
  explicit Curvature(const Factor& factor) : factor_(factor) {}

  void Remember(const std::vector<double>& gradient) { before_ = gradient; }

  // Takes in that x -= step changed the gradient from the remembered one to `gradient`.
  void Learn(const std::vector<double>& step, const std::vector<double>& gradient) {
    Change change;
    for (std::size_t i = 0; i < step.size(); ++i) {
      change.x.push_back(-step[i]);
      change.gradient.push_back(gradient[i] - before_[i]);
    }
    const double product = Dot(change.x, change.gradient);
    if (!(product > 0)) return;  // rounding: nothing to learn
    change.inverse_product = 1 / product;
    changes_.push_back(std::move(change));
  }

  void Solve(std::vector<double>& v) const {
    std::vector<double> shares(changes_.size());
    for (std::size_t i = changes_.size(); i-- > 0;) {
      shares[i] = changes_[i].inverse_product * Dot(changes_[i].x, v);
      AddScaled(-shares[i], changes_[i].gradient.data(), v.data(), v.size());
    }
    factor_.Solve(v);
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const double known = changes_[i].inverse_product * Dot(changes_[i].gradient, v);
      AddScaled(shares[i] - known, changes_[i].x.data(), v.data(), v.size());
    }
  }

 private:
  struct Change {
    std::vector<double> x;
    std::vector<double> gradient;
    double inverse_product = 0;
  };
  const Factor& factor_;
  std::vector<double> before_;
  std::vector<Change> changes_;
};

}  // namespace

Factor::Factor(Likelihood& likelihood, const Penalty& penalty, std::span<const double> x)
    : size_(x.size()), lower_(x.size() * x.size(), 0) {
  likelihood.AddHessian(x, lower_);
  for (std::size_t j = 0; j < penalty.component.size(); ++j) {
    for (std::size_t i = j; i < penalty.component.size(); ++i) {
      if (penalty.component[i] == penalty.component[j]) lower_[j * size_ + i] += penalty.gauge;
    }
  }
  for (std::size_t i = 0; i < size_; ++i) lower_[i * size_ + i] += penalty.ridge[i];
  const Matrix hessian = MatrixView(lower_.data(), Index(size_), Index(size_));
  // A nearly separated fit is singular to working precision; a little more ridge only shortens the
  // step.
  double jitter = 0;
  Eigen::LLT<Matrix, Eigen::Lower> llt(hessian);
  while (llt.info() != Eigen::Success && jitter < 1) {
    jitter = jitter == 0 ? 1e-12 : 10 * jitter;
    Matrix damped = hessian;
    damped.diagonal().array() += jitter * hessian.diagonal().maxCoeff();
    llt.compute(damped);
  }
  Eigen::Map<Matrix>(lower_.data(), Index(size_), Index(size_)) = llt.matrixLLT();
}

void Factor::Solve(std::span<double> v) const {
  const MatrixView lower(lower_.data(), Index(size_), Index(size_));
  Eigen::Map<Vector> x(v.data(), Index(size_));
  lower.triangularView<Eigen::Lower>().solveInPlace(x);
  lower.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
}

std::vector<double> Factor::Inverse() const {
  const MatrixView lower(lower_.data(), Index(size_), Index(size_));
  Matrix inverse = Matrix::Identity(Index(size_), Index(size_));
  lower.triangularView<Eigen::Lower>().solveInPlace(inverse);
  lower.triangularView<Eigen::Lower>().transpose().solveInPlace(inverse);
  return {inverse.data(), inverse.data() + inverse.size()};
}

std::vector<double> Factor::Sandwich(std::span<const double> middle) const {
  const std::vector<double> inverse = Inverse();
  const MatrixView outer(inverse.data(), Index(size_), Index(size_));
  const MatrixView inner(middle.data(), Index(size_), Index(size_));
  const Matrix sandwich = outer * inner * outer;
  return {sandwich.data(), sandwich.data() + sandwich.size()};
}

bool Minimise(Likelihood& likelihood, const Penalty& penalty, std::vector<double>& x,
              std::optional<Factor>* last) {
  std::vector<double> gradient;
  std::vector<double> step;
  for (int iteration = 0; iteration < kNewtonIterations; ++iteration) {
    PenalisedGradient(likelihood, penalty, x, gradient);
    step = gradient;
    Factor factor(likelihood, penalty, x);
    factor.Solve(step);
    if (last != nullptr) *last = std::move(factor);
    if (!TakeStep(likelihood, penalty, gradient, step, x)) return true;
    if (LargestStep(step) < kNewtonStep) return true;
  }
  return false;
}

bool MinimiseNear(Likelihood& likelihood, const Penalty& penalty, const Factor& factor,
                  std::vector<double>& x) {
  // A contestant without results leaves no trace in the gradient, so steps say nothing of it.
  if (!likelihood.EveryContestantPlays()) return Minimise(likelihood.Exact(), penalty, x);
  const std::vector<double> start = x;
  Curvature curvature(factor);
  std::vector<double> gradient;
  std::vector<double> step;
  double last = 0;
  for (int iteration = 0; iteration < kKeptIterations; ++iteration) {
    PenalisedGradient(likelihood, penalty, x, gradient);
    if (iteration > 0) curvature.Learn(step, gradient);
    step = gradient;
    curvature.Solve(step);
    const double largest = LargestStep(step);
    const double rate = iteration > 0 ? largest / last : 1;
    if (iteration > 0 && !(rate < kKeptRate) && largest > kKeptError) break;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= step[i];
    // The steps still to come are at most a geometric series.
    if (largest == 0 || rate * largest < (1 - rate) * kKeptError) return true;
    curvature.Remember(gradient);
    last = largest;
  }
  x = start;
  return Minimise(likelihood.Exact(), penalty, x);
}

}  // namespace arena::rating_internal
