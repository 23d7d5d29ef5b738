// The logistic function over arrays, the inner loop of every fit.
#pragma once

#include <cstddef>

namespace arena::rating_internal {

/// Replaces each of x[0..n) by 1 / (1 + e^-x), to about one unit in the last place; arguments
/// beyond +-700 count as +-700. The same bits on every processor: vector instructions are used
/// where they exist, without fused multiply-add.
void Logistic(double* x, std::size_t n);

}  // namespace arena::rating_internal
