// The element-wise loops of training, in one version per instruction set.
#pragma once

#include <cstddef>

namespace arena::train {

/// What the network does beside matrix products. `Scalar` is float, or double for the checks of
/// gradients by differences. All functions are thread-safe and allocate nothing; pointers may be
/// unaligned; unless said, no output overlaps an input. A sum is taken in the same order every
/// time, which depends on the instruction set.
template <typename Scalar>
struct Operations {
  /// to (columns, rows) = from (rows, columns) transposed.
  void (*transpose)(const Scalar* from, std::size_t from_stride, std::size_t rows,
                    std::size_t columns, Scalar* to, std::size_t to_stride);
  /// y = x * f * weight with f = 1 / sqrt(mean(x^2) + epsilon); returns f. y may be x.
  Scalar (*rms_norm)(const Scalar* x, const Scalar* weight, Scalar epsilon, std::size_t n,
                     Scalar* y);
  /// Adds the gradient of x to dx and that of the weight to dweight (null: not wanted). `factor`
  /// is what rms_norm returned. dx must not be dy.
  void (*rms_norm_backward)(const Scalar* x, const Scalar* weight, Scalar factor, const Scalar* dy,
                            std::size_t n, Scalar* dx, Scalar* dweight);
  /// y = gate / (1 + exp(-gate)) * up
  void (*silu_multiply)(const Scalar* gate, const Scalar* up, std::size_t n, Scalar* y);
  /// Gradients of both factors of silu_multiply, which may stand where they themselves do.
  void (*silu_multiply_backward)(const Scalar* gate, const Scalar* up, const Scalar* dy,
                                 std::size_t n, Scalar* dgate, Scalar* dup);
  /// Rotates pairs (x[i], x[i + half]) by the angle whose cosine and sine are given, times
  /// `direction`, which is 1 or -1.
  void (*rotate)(Scalar* x, const Scalar* cosine, const Scalar* sine, std::size_t half,
                 Scalar direction);
  /// log sum exp(scale * x)
  Scalar (*log_sum_exp)(const Scalar* x, Scalar scale, std::size_t n);
  /// y = exp(scale * x - shift). y may be x.
  void (*exp_scaled)(const Scalar* x, Scalar scale, Scalar shift, std::size_t n, Scalar* y);
  /// ds = p * (ds - delta) * scale: from the gradient of probabilities to that of scores.
  void (*softmax_backward)(const Scalar* p, Scalar delta, Scalar scale, std::size_t n, Scalar* ds);
  /// y += factor * x
  void (*add)(const Scalar* x, Scalar factor, std::size_t n, Scalar* y);
  Scalar (*dot)(const Scalar* x, const Scalar* y, std::size_t n);
};

/// The best set for this processor; the environment's ARENA_LM_KERNELS counts (lm/kernels.h).
template <typename Scalar>
const Operations<Scalar>& ChosenOperations();

}  // namespace arena::train
