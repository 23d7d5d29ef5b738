// The work on AMX tiles, with the instructions done by loops as their manual defines them.
#include "lm/internal/tile_product.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "base/rng.h"

namespace arena::lm {
namespace {

// Eight tiles of 16 rows of 64 bytes.
class LoopTiles {
 public:
  void LoadSums(const float* sums, bool has_second) {
    for (int t = 0; t < (has_second ? 4 : 2); ++t) Load(t, Place(sums, t), 128);
  }
  void StoreSums(float* sums, bool has_second) {
    for (int t = 0; t < (has_second ? 4 : 2); ++t) {
      auto* to = reinterpret_cast<std::byte*>(sums) + (t / 2 * 16 * 128 + t % 2 * 64);
      for (int row = 0; row < 16; ++row) std::memcpy(to + row * 128, tiles_[t][row], 64);
    }
  }
  void Multiply(const Bfloat16* x, std::size_t x_stride, const Bfloat16* w, bool has_second) {
    Load(4, reinterpret_cast<const std::byte*>(x), x_stride * 2);
    Load(6, reinterpret_cast<const std::byte*>(w), 128);
    Load(7, reinterpret_cast<const std::byte*>(w) + 64, 128);
    DotProduct(0, 4, 6);
    DotProduct(1, 4, 7);
    if (!has_second) return;
    Load(5, reinterpret_cast<const std::byte*>(x + 16 * x_stride), x_stride * 2);
    DotProduct(2, 5, 6);
    DotProduct(3, 5, 7);
  }

 private:
  static const std::byte* Place(const float* sums, int t) {
    return reinterpret_cast<const std::byte*>(sums) + (t / 2 * 16 * 128 + t % 2 * 64);
  }
  void Load(int tile, const std::byte* from, std::size_t stride) {
    for (std::size_t row = 0; row < 16; ++row) {
      std::memcpy(tiles_[tile][row], from + row * stride, 64);
    }
  }
  // C[m][n] += A[m][2k] * B[k][2n] + A[m][2k+1] * B[k][2n+1]
  void DotProduct(int c, int a, int b) {
    for (int m = 0; m < 16; ++m) {
      for (int n = 0; n < 16; ++n) {
        float sum;
        std::memcpy(&sum, tiles_[c][m] + 4 * n, 4);
        for (int k = 0; k < 16; ++k) {
          for (int i = 0; i < 2; ++i) sum += Get(a, m, 2 * k + i) * Get(b, k, 2 * n + i);
        }
        std::memcpy(tiles_[c][m] + 4 * n, &sum, 4);
      }
    }
  }
  float Get(int tile, int row, int index) const {
    Bfloat16 value;
    std::memcpy(&value, tiles_[tile][row] + 2 * index, 2);
    return std::bit_cast<float>(std::uint32_t{value} << 16);
  }

  std::byte tiles_[8][16][64];
};

TEST(TileProductTest, AgreesWithLoopsInDouble) {
  Rng rng(6);
  const auto block = std::make_unique<TileBlock>();
  std::memset(block.get(), 0xFF, sizeof(TileBlock));  // NaN where nothing was filled in
  for (const std::size_t rows : {1U, 15U, 16U, 17U, 31U, 33U, 64U, 65U, 100U}) {
    for (const std::size_t depth : {1U, 2U, 31U, 32U, 33U, 96U, 1023U, 1025U, 1100U}) {
      constexpr std::size_t kPanels = 2, kColumns = kPanels * kPanelColumns;
      const std::size_t x_stride = depth + 1, y_stride = kColumns + 3;
      std::vector<float> x(rows * x_stride), before(rows * y_stride, 0.25F);
      std::vector<Bfloat16> w(kPanels * PanelSize<Bfloat16>(depth), 0x7FC0);
      for (float& value : x) value = static_cast<float>(rng.Uniform() - 0.5);
      const auto at = [&](std::size_t k, std::size_t c) {
        return c / kPanelColumns * PanelSize<Bfloat16>(depth) +
               PanelIndex<Bfloat16>(k, c % kPanelColumns);
      };
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t c = 0; c < kColumns; ++c) {
          w[at(k, c)] = RoundToBfloat16(static_cast<float>(rng.Uniform() - 0.5));
        }
      }
      for (const bool accumulate : {false, true}) {
        std::vector<float> y = before;
        LoopTiles tiles;
        const Product<Bfloat16> product = {x.data(), x_stride, rows,     depth,     w.data(),
                                           kPanels,  y.data(), y_stride, accumulate};
        MultiplyByTiles(tiles, product, *block);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t c = 0; c < y_stride; ++c) {
            const std::size_t place = r * y_stride + c;
            if (c >= kColumns) {
              ASSERT_EQ(y[place], before[place]);
              continue;
            }
            double sum = accumulate ? 0.25 : 0;
            for (std::size_t k = 0; k < depth; ++k) {
              const auto widen = [](Bfloat16 value) {
                return static_cast<double>(std::bit_cast<float>(std::uint32_t{value} << 16));
              };
              sum += widen(RoundToBfloat16(x[r * x_stride + k])) * widen(w[at(k, c)]);
            }
            ASSERT_NEAR(y[place], sum, 1e-4) << rows << " rows, depth " << depth;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace arena::lm
