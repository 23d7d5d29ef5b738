// The loops of Kernels, written once with vectors of the width that the including file is compiled
// for. Each instruction set has a .cpp file with its own compiler flags that includes this; all is
// in an anonymous namespace and nothing of the standard library is called, so that no function made
// for one processor is shared with code for another.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/exp_series.h"
#include "lm/kernels.h"

namespace arena::lm {
namespace {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr int kMaxRows = 12;  // 24 of 32 registers hold sums
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
inline constexpr int kMaxRows = 3;  // 12 of 16 registers
#else
inline constexpr int kLanes = 4;
inline constexpr int kMaxRows = 1;
#endif

inline constexpr int kVectors = static_cast<int>(kPanelColumns) / kLanes;
// X stays in the second-level cache while all panels pass it.
inline constexpr std::size_t kRowsAtOnce = 96;

typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef float FloatsInMemory __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef std::uint32_t Words __attribute__((vector_size(kLanes * 4)));
typedef std::uint32_t WordsInMemory __attribute__((vector_size(kLanes * 4), aligned(2), may_alias));
typedef std::int32_t Integers __attribute__((vector_size(kLanes * 4)));

#define ARENA_INLINE [[gnu::always_inline]] inline

ARENA_INLINE Floats Load(const float* from) {
  return *reinterpret_cast<const FloatsInMemory*>(from);
}
ARENA_INLINE void Store(Floats value, float* to) { *reinterpret_cast<FloatsInMemory*>(to) = value; }

// sums[r][v] += x[r] * columns[v], x one column of X
template <int kRows, int kCount>
ARENA_INLINE void AddProducts(const float* x, std::size_t x_stride, const Floats (&columns)[kCount],
                              Floats (&sums)[kRows][kCount]) {
  for (int r = 0; r < kRows; ++r) {
    const float factor = x[static_cast<std::size_t>(r) * x_stride];
    for (int v = 0; v < kCount; ++v) sums[r][v] += factor * columns[v];
  }
}

// All k of kCount / kVectors panels, which stand panel_size elements apart.
template <int kRows, int kCount>
ARENA_INLINE void AddPanels(const Product<float>& p, const float* x, const float* w,
                            std::size_t panel_size, Floats (&sums)[kRows][kCount]) {
  for (std::size_t k = 0; k < p.depth; ++k) {
    Floats columns[kCount];
    for (int v = 0; v < kCount; ++v) {
      columns[v] = Load(w + static_cast<std::size_t>(v / kVectors) * panel_size +
                        k * kPanelColumns + static_cast<std::size_t>(v % kVectors * kLanes));
    }
    AddProducts(x + k, p.x_stride, columns, sums);
  }
}

template <int kRows, int kCount>
ARENA_INLINE void AddPanels(const Product<Bfloat16>& p, const float* x, const Bfloat16* w,
                            std::size_t panel_size, Floats (&sums)[kRows][kCount]) {
  for (std::size_t k = 0; k < p.depth; k += 2) {
    Words words[kCount];
    Floats columns[kCount];
    for (int v = 0; v < kCount; ++v) {
      words[v] = *reinterpret_cast<const WordsInMemory*>(
          w + static_cast<std::size_t>(v / kVectors) * panel_size + k * kPanelColumns +
          static_cast<std::size_t>(2 * (v % kVectors) * kLanes));
      columns[v] = std::bit_cast<Floats>(words[v] << 16);
    }
    AddProducts(x + k, p.x_stride, columns, sums);
    if (k + 1 == p.depth) break;
    for (int v = 0; v < kCount; ++v) columns[v] = std::bit_cast<Floats>(words[v] & 0xFFFF0000U);
    AddProducts(x + k + 1, p.x_stride, columns, sums);
  }
}

// kRows rows of Y in kPanels panels, all sums in registers.
template <int kRows, int kPanels, typename Element>
ARENA_INLINE void MultiplyTile(const Product<Element>& p, std::size_t row, std::size_t panel) {
  const float* const x = p.x + row * p.x_stride;
  float* const y = p.y + row * p.y_stride + panel * kPanelColumns;
  const std::size_t panel_size = PanelSize<Element>(p.depth);
  const Element* const w = p.w + panel * panel_size;
  Floats sums[kRows][kPanels * kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanels * kVectors; ++v) {
      sums[r][v] = p.accumulate ? Load(y + static_cast<std::size_t>(r) * p.y_stride +
                                       static_cast<std::size_t>(v * kLanes))
                                : Floats{};
    }
  }
  AddPanels(p, x, w, panel_size, sums);
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanels * kVectors; ++v) {
      Store(sums[r][v],
            y + static_cast<std::size_t>(r) * p.y_stride + static_cast<std::size_t>(v * kLanes));
    }
  }
}

// Few rows read W once and wait for it: two panels at a time keep more loads in flight.
template <int kRows, typename Element>
void MultiplyNarrow(const Product<Element>& p) {
  std::size_t panel = 0;
  if constexpr (kRows * 2 < kMaxRows) {
    for (; panel + 2 <= p.panels; panel += 2) MultiplyTile<kRows, 2>(p, 0, panel);
  }
  for (; panel < p.panels; ++panel) MultiplyTile<kRows, 1>(p, 0, panel);
}

template <int kRows, typename Element>
void MultiplyRows(const Product<Element>& p, std::size_t row, std::size_t panel) {
  MultiplyTile<kRows, 1>(p, row, panel);
}

template <int kRows, typename Element>
ARENA_INLINE void Dispatch(const Product<Element>& p, std::size_t rows, std::size_t row,
                           std::size_t panel) {
  if (rows == static_cast<std::size_t>(kRows)) return MultiplyRows<kRows>(p, row, panel);
  if constexpr (kRows > 1) Dispatch<kRows - 1>(p, rows, row, panel);
}

template <int kRows, typename Element>
ARENA_INLINE void DispatchNarrow(const Product<Element>& p) {
  if (p.rows == static_cast<std::size_t>(kRows)) return MultiplyNarrow<kRows>(p);
  if constexpr (kRows > 1) DispatchNarrow<kRows - 1>(p);
}

template <typename Element>
void Multiply(const Product<Element>& p) {
  constexpr auto kMost = static_cast<std::size_t>(kMaxRows);
  if (p.rows <= kMost) return DispatchNarrow<kMaxRows>(p);
  for (std::size_t begin = 0; begin < p.rows; begin += kRowsAtOnce) {
    const std::size_t count = p.rows - begin < kRowsAtOnce ? p.rows - begin : kRowsAtOnce;
    const std::size_t tiles = (count + kMost - 1) / kMost;
    for (std::size_t panel = 0; panel < p.panels; ++panel) {
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const std::size_t from = count * tile / tiles;
        const std::size_t to = count * (tile + 1) / tiles;
        Dispatch<kMaxRows>(p, to - from, begin + from, panel);
      }
    }
  }
}

ARENA_INLINE Floats Exp(Floats x) { return ExpClamped<Floats, Words>(x); }

// The first n lanes of what stands at `from`; the others are `fill`.
ARENA_INLINE Floats LoadPart(const float* from, std::size_t n, float fill) {
  float part[kLanes];
  for (std::size_t i = 0; i < static_cast<std::size_t>(kLanes); ++i)
    part[i] = i < n ? from[i] : fill;
  return Load(part);
}
ARENA_INLINE void StorePart(Floats value, std::size_t n, float* to) {
  float part[kLanes];
  Store(value, part);
  for (std::size_t i = 0; i < n; ++i) to[i] = part[i];
}

void RmsNorm(const float* x, const float* weight, float epsilon, std::size_t n, float* y) {
  Floats squares{};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats value = Load(x + i);
    squares += value * value;
  }
  if (i < n) {
    const Floats value = LoadPart(x + i, n - i, 0);
    squares += value * value;
  }
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += squares[lane];
  const float factor = 1.0F / __builtin_sqrtf(sum / static_cast<float>(n) + epsilon);
  for (std::size_t j = 0; j < n; ++j) y[j] = x[j] * factor * weight[j];
}

void SiluMultiply(float* gate, const float* up, std::size_t n) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats value = Load(gate + i);
    Store(value / (1.0F + Exp(-value)) * Load(up + i), gate + i);
  }
  if (i < n) {
    const Floats value = LoadPart(gate + i, n - i, 0);
    StorePart(value / (1.0F + Exp(-value)) * LoadPart(up + i, n - i, 0), n - i, gate + i);
  }
}

void Rotate(float* x, const float* cosine, const float* sine, std::size_t half) {
  for (std::size_t i = 0; i < half; ++i) {
    const float first = x[i];
    const float second = x[i + half];
    x[i] = first * cosine[i] - second * sine[i];
    x[i + half] = second * cosine[i] + first * sine[i];
  }
}

float Maximum(const float* x, std::size_t n) {
  const float lowest = -__builtin_inff();
  Floats largest = Floats{} + lowest;
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats value = Load(x + i);
    largest = value > largest ? value : largest;
  }
  float result = lowest;
  for (int lane = 0; lane < kLanes; ++lane)
    result = largest[lane] > result ? largest[lane] : result;
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

double ExpShifted(const float* x, float shift, float scale, std::size_t n, float* y) {
  // Lanes are added in float over stretches short enough to lose nothing that matters.
  constexpr std::size_t kStretch = 64 * static_cast<std::size_t>(kLanes);
  double total = 0;
  for (std::size_t begin = 0; begin < n; begin += kStretch) {
    const std::size_t end = n - begin < kStretch ? n : begin + kStretch;
    Floats sums{};
    std::size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const Floats value = Exp((Load(x + i) - shift) * scale);
      Store(value, y + i);
      sums += value;
    }
    for (int lane = 0; lane < kLanes; ++lane) total += static_cast<double>(sums[lane]);
    if (i < end) {
      const Floats value = Exp((LoadPart(x + i, end - i, 0) - shift) * scale);
      StorePart(value, end - i, y + i);
      for (std::size_t lane = 0; lane < end - i; ++lane) total += static_cast<double>(y[i + lane]);
    }
  }
  return total;
}

void Scale(float* x, float factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

constexpr Kernels MakeKernels(const char* name) {
  return {.name = name,
          .multiply_f32 = Multiply<float>,
          .multiply_bf16 = Multiply<Bfloat16>,
          .multiply_rounded = Multiply<Bfloat16>,
          .rms_norm = RmsNorm,
          .silu_multiply = SiluMultiply,
          .rotate = Rotate,
          .maximum = Maximum,
          .exp_shifted = ExpShifted,
          .scale = Scale};
}

}  // namespace
}  // namespace arena::lm
