// The inner loops of inference, in one version per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace arena::lm {

/// Columns of a panel. A weight matrix, a block of keys and a block of values are stored as panels:
/// for each k of the summed dimension 32 neighbouring columns. Panels of bfloat16 hold the numbers
/// of two neighbouring k side by side, column by column: a shift and a mask widen them to floats,
/// and it is the order that the tiles of AMX want.
inline constexpr std::size_t kPanelColumns = 32;

/// A bfloat16 number: the upper half of a float.
using Bfloat16 = std::uint16_t;

/// Where element (k, column) of a panel stands, column < 32.
template <typename Element>
constexpr std::size_t PanelIndex(std::size_t k, std::size_t column) {
  if constexpr (sizeof(Element) == sizeof(Bfloat16)) {
    return k / 2 * (2 * kPanelColumns) + column * 2 + k % 2;
  } else {
    return k * kPanelColumns + column;
  }
}

/// Elements of a panel. Of an odd depth in bfloat16 the last pair is half used.
template <typename Element>
constexpr std::size_t PanelSize(std::size_t depth) {
  return (sizeof(Element) == sizeof(Bfloat16) ? depth + depth % 2 : depth) * kPanelColumns;
}

/// Operands of Y (rows, 32 * panels) = X (rows, depth) * W (depth, 32 * panels), or Y += X * W.
/// `Element` is float or Bfloat16; sums are in float.
template <typename Element>
struct Product {
  const float* x = nullptr;
  std::size_t x_stride = 0;  ///< floats from one row to the next
  std::size_t rows = 0;
  std::size_t depth = 0;
  const Element* w = nullptr;  ///< panel p starts at w + p * PanelSize(depth)
  std::size_t panels = 0;
  float* y = nullptr;
  std::size_t y_stride = 0;
  bool accumulate = false;
};

/// All functions are thread-safe and allocate nothing. What they compute for one row does not
/// depend on the other rows: each sum is taken in one order, whatever the number of rows, so an
/// answer has the same bits alone and in a batch.
struct Kernels {
  const char* name;  ///< "amx", "avx512bf16", "avx512", "avx2" or "plain"
  void (*multiply_f32)(const Product<float>& product);
  void (*multiply_bf16)(const Product<Bfloat16>& product);
  /// As multiply_bf16, but rounds X to bfloat16 where that is faster: in the sets
  /// "amx" and "avx512bf16".
  void (*multiply_rounded)(const Product<Bfloat16>& product);
  /// y = x / sqrt(mean(x^2) + epsilon) * weight
  void (*rms_norm)(const float* x, const float* weight, float epsilon, std::size_t n, float* y);
  /// gate = gate / (1 + exp(-gate)) * up
  void (*silu_multiply)(float* gate, const float* up, std::size_t n);
  /// Rotates pairs (x[i], x[i + half]) by the angle whose cosine and sine are given.
  void (*rotate)(float* x, const float* cosine, const float* sine, std::size_t half);
  /// The largest of n > 0 numbers; NaN is passed over.
  float (*maximum)(const float* x, std::size_t n);
  /// y[i] = exp((x[i] - shift) * scale), and their sum. Exponents below -87 count as -87; NaN
  /// stays.
  double (*exp_shifted)(const float* x, float shift, float scale, std::size_t n, float* y);
  /// x *= factor
  void (*scale)(float* x, float factor, std::size_t n);
};

/// The best set for this processor. ARENA_LM_KERNELS in the environment names another one
/// that the processor has.
const Kernels& ChosenKernels();

/// The set of that name; null where it is unknown or this processor lacks the instructions.
const Kernels* KernelsNamed(const char* name);

}  // namespace arena::lm
