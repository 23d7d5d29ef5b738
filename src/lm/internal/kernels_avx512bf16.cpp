#include <immintrin.h>

#include "lm/internal/kernel_sets.h"
#include "lm/internal/kernels_impl.h"
#include "lm/internal/tile_product.h"

namespace arena::lm {
namespace {

// Pairs of k: one instruction adds the products of a pair of X with 16 columns of W.
typedef std::uint32_t PairsInMemory __attribute__((aligned(2), may_alias));

// kRows rows of the block times one panel. `depth` may be odd: then the half of W's last pair that
// is not used does not count.
template <int kRows>
ARENA_INLINE void AddDots(const TileBlock& block, std::size_t first, const Bfloat16* w, float* y,
                          std::size_t y_stride, bool accumulate) {
  Floats sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = accumulate ? Load(y + static_cast<std::size_t>(r) * y_stride +
                                     static_cast<std::size_t>(v * kLanes))
                              : Floats{};
    }
  }
  const Bfloat16* const x = block.x + first * block.stride;
  for (std::size_t k = 0; k < block.depth; k += 2) {
    Words words[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      words[v] = *reinterpret_cast<const WordsInMemory*>(w + k * kPanelColumns +
                                                         static_cast<std::size_t>(2 * v * kLanes));
      if (k + 1 == block.depth) words[v] &= 0xFFFFU;
    }
    for (int r = 0; r < kRows; ++r) {
      const Words pair = Words{} + *reinterpret_cast<const PairsInMemory*>(
                                       x + static_cast<std::size_t>(r) * block.stride + k);
      for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = std::bit_cast<Floats>(_mm512_dpbf16_ps(std::bit_cast<__m512>(sums[r][v]),
                                                            std::bit_cast<__m512bh>(pair),
                                                            std::bit_cast<__m512bh>(words[v])));
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      Store(sums[r][v],
            y + static_cast<std::size_t>(r) * y_stride + static_cast<std::size_t>(v * kLanes));
    }
  }
}

template <int kRows>
void DispatchDots(std::size_t rows, const TileBlock& block, std::size_t first, const Bfloat16* w,
                  float* y, std::size_t y_stride, bool accumulate) {
  if (rows == static_cast<std::size_t>(kRows)) {
    return AddDots<kRows>(block, first, w, y, y_stride, accumulate);
  }
  if constexpr (kRows > 1) {
    DispatchDots<kRows - 1>(rows, block, first, w, y, y_stride, accumulate);
  }
}

void MultiplyByDots(const Product<Bfloat16>& p) {
  static thread_local TileBlock block;
  const std::size_t panel_size = PanelSize<Bfloat16>(p.depth);
  for (std::size_t row = 0; row < p.rows; row += kTileBlockRows) {
    for (std::size_t k = 0; k < p.depth; k += kTileBlockDepth) {
      FillTileBlock(p, row, k, block);
      const std::size_t tiles = (block.rows + kMaxRows - 1) / kMaxRows;
      for (std::size_t panel = 0; panel < p.panels; ++panel) {
        for (std::size_t tile = 0; tile < tiles; ++tile) {
          const std::size_t from = block.rows * tile / tiles;
          const std::size_t to = block.rows * (tile + 1) / tiles;
          DispatchDots<kMaxRows>(to - from, block, from,
                                 p.w + panel * panel_size + k * kPanelColumns,
                                 p.y + (row + from) * p.y_stride + panel * kPanelColumns,
                                 p.y_stride, p.accumulate || k > 0);
        }
      }
    }
  }
}

constexpr Kernels WithDots() {
  Kernels kernels = MakeKernels("avx512bf16");
  kernels.multiply_rounded = MultiplyByDots;
  return kernels;
}

}  // namespace

constinit const Kernels kAvx512Bf16Kernels = WithDots();

}  // namespace arena::lm
