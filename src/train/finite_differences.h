// The slope of a function by finite differences, which tests hold gradients against.
#pragma once

#include <span>

#include "base/function_ref.h"

namespace arena::train {

/// d f / d x[i] by the difference of f at x[i] + h and x[i] - h, h = 1e-5. x is left as it was.
inline double Slope(FunctionRef<double()> f, double& x) {
  constexpr double kStep = 1e-5;
  const double kept = x;
  x = kept + kStep;
  const double above = f();
  x = kept - kStep;
  const double below = f();
  x = kept;
  return (above - below) / (2 * kStep);
}

}  // namespace arena::train
