// Y = X W with tiles, the matrix registers of AMX: the order of the work, apart from the
// instructions, so that a processor without them can test it.
//
// A tile has 16 rows of 64 bytes. One instruction takes A (16 rows of X, 32 k in bfloat16), B (16
// pairs of k, 16 columns of W, as panels have them) and adds A B to C (16 rows, 16 columns in
// float). Two A and two B give four C: 32 rows of one panel of 32 columns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lm/kernels.h"

namespace arena::lm {
namespace {

inline constexpr std::size_t kTileRows = 16;
inline constexpr std::size_t kTileDepth = 32;
// The part of X that is converted at once; 128 kB.
inline constexpr std::size_t kTileBlockRows = 64;
inline constexpr std::size_t kTileBlockDepth = 1024;

// Rounds to the nearest, ties to even. NaN stays NaN.
inline Bfloat16 RoundToBfloat16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<Bfloat16>((bits >> 16) | 0x40U);
  return static_cast<Bfloat16>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// A block of X in bfloat16, rows to a multiple of 16 and k to one of 32 filled with zeros.
struct TileBlock {
  alignas(64) Bfloat16 x[kTileBlockRows * kTileBlockDepth];
  std::size_t rows, depth;  // filled
  std::size_t stride;       // depth rounded up
};

inline void FillTileBlock(const Product<Bfloat16>& p, std::size_t row, std::size_t k,
                          TileBlock& block) {
  block.rows = p.rows - row < kTileBlockRows ? p.rows - row : kTileBlockRows;
  block.depth = p.depth - k < kTileBlockDepth ? p.depth - k : kTileBlockDepth;
  block.stride = (block.depth + kTileDepth - 1) / kTileDepth * kTileDepth;
  const std::size_t padded = (block.rows + kTileRows - 1) / kTileRows * kTileRows;
  for (std::size_t r = 0; r < padded; ++r) {
    Bfloat16* const to = block.x + r * block.stride;
    const float* const from = p.x + (row + r) * p.x_stride + k;
    const std::size_t used = r < block.rows ? block.depth : 0;
    for (std::size_t i = 0; i < used; ++i) to[i] = RoundToBfloat16(from[i]);
    for (std::size_t i = used; i < block.stride; ++i) to[i] = 0;
  }
}

// Up to 32 rows of the block times one panel. `tiles` are registers: Tiles has Load and Store for
// C, LoadA and LoadB, and Multiply, each with both indices where there are four.
template <typename Tiles>
inline void MultiplyTilePanel(Tiles& tiles, const TileBlock& block, std::size_t first,
                              const Bfloat16* w, float* y, std::size_t y_stride, bool accumulate) {
  const std::size_t rows = block.rows - first < 2 * kTileRows ? block.rows - first : 2 * kTileRows;
  const bool has_second = rows > kTileRows;
  alignas(64) float sums[2 * kTileRows * kPanelColumns] = {};
  if (accumulate) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < kPanelColumns; ++c)
        sums[r * kPanelColumns + c] = y[r * y_stride + c];
    }
  }
  tiles.LoadSums(sums, has_second);
  const Bfloat16* const x = block.x + first * block.stride;
  for (std::size_t k = 0; k < block.depth; k += kTileDepth) {
    const Bfloat16* columns = w + k * kPanelColumns;
    alignas(64) Bfloat16 last[kTileDepth * kPanelColumns];
    if (block.depth - k < kTileDepth) {
      // What stands after the last k is not ours to read, and what fills an odd depth not to count.
      for (std::size_t i = 0; i < kTileDepth; ++i) {
        for (std::size_t c = 0; c < kPanelColumns; ++c) {
          const std::size_t at = PanelIndex<Bfloat16>(i, c);
          last[at] = k + i < block.depth ? columns[at] : Bfloat16{0};
        }
      }
      columns = last;
    }
    tiles.Multiply(x + k, block.stride, columns, has_second);
  }
  tiles.StoreSums(sums, has_second);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < kPanelColumns; ++c)
      y[r * y_stride + c] = sums[r * kPanelColumns + c];
  }
}

template <typename Tiles>
inline void MultiplyByTiles(Tiles& tiles, const Product<Bfloat16>& p, TileBlock& block) {
  const std::size_t panel_size = PanelSize<Bfloat16>(p.depth);
  for (std::size_t row = 0; row < p.rows; row += kTileBlockRows) {
    for (std::size_t k = 0; k < p.depth; k += kTileBlockDepth) {
      FillTileBlock(p, row, k, block);
      for (std::size_t panel = 0; panel < p.panels; ++panel) {
        for (std::size_t first = 0; first < block.rows; first += 2 * kTileRows) {
          MultiplyTilePanel(tiles, block, first, p.w + panel * panel_size + k * kPanelColumns,
                            p.y + (row + first) * p.y_stride + panel * kPanelColumns, p.y_stride,
                            p.accumulate || k > 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace arena::lm
