// Fits of convex penalised log likelihoods by Newton's method.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace arena::rating_internal {

/// A negative log likelihood whose first parameters are the contestants' and only enter by their
/// differences. One object is used by one thread at a time.
class Likelihood {
 public:
  virtual ~Likelihood() = default;
  virtual std::size_t parameters() const = 0;
  virtual double Value(std::span<const double> x) = 0;
  /// Adds the gradient to `gradient`.
  virtual void AddGradient(std::span<const double> x, std::span<double> gradient) = 0;
  /// Adds the lower triangle of the Hessian to `hessian` (column-major, parameters() squared).
  virtual void AddHessian(std::span<const double> x, std::span<double> hessian) = 0;
  /// A bound on how much adding `step` to any parameters changes any result's logit.
  virtual double LogitChange(std::span<const double> step) const = 0;
  /// Whether every contestant has results of positive weight (a resample may have none of one).
  virtual bool EveryContestantPlays() const = 0;
  /// The same in double precision, for one that computes gradients in single precision. Lives as
  /// long as this.
  virtual Likelihood& Exact() { return *this; }
};

/// What makes the minimum unique: a ridge per parameter, and the gauge: in each connected component
/// of contestants the parameters sum to zero, kept there by gauge/2 * (their sum)^2, which is zero
/// at the minimum and so changes no difference.
struct Penalty {
  std::vector<double> ridge;             ///< per parameter
  std::vector<std::uint32_t> component;  ///< per contestant: 0, 1, ...
  std::uint32_t components = 1;
  double gauge = 1;
};

/// A Cholesky factor of a penalised Hessian.
class Factor {
 public:
  /// Of the penalised Hessian of `likelihood` at x.
  Factor(Likelihood& likelihood, const Penalty& penalty, std::span<const double> x);

  /// Replaces v by the Hessian's inverse times v.
  void Solve(std::span<double> v) const;
  /// The Hessian's inverse (column-major, both triangles).
  std::vector<double> Inverse() const;
  /// The sandwich inverse * middle * inverse (column-major; `middle` is symmetric, both triangles).
  std::vector<double> Sandwich(std::span<const double> middle) const;

 private:
  std::size_t size_;
  std::vector<double> lower_;
};

/// Moves x to the minimum by Newton's method with halved steps. False: no convergence within the
/// iterations (x is then the best point found). `last`, if given, is set to the factor of the last
/// step, which is the minimum's to a millionth where it converged.
bool Minimise(Likelihood& likelihood, const Penalty& penalty, std::vector<double>& x,
              std::optional<Factor>* last = nullptr);

/// The same for a likelihood near one whose factor at `x` is at hand, as a resample's is: L-BFGS
/// that starts from the kept factor needs no Hessian. Falls back to Minimise, in double precision,
/// where it converges slowly.
bool MinimiseNear(Likelihood& likelihood, const Penalty& penalty, const Factor& factor,
                  std::vector<double>& x);

}  // namespace arena::rating_internal
