#include <immintrin.h>

#include "lm/internal/kernel_sets.h"
#include "lm/internal/kernels_impl.h"
#include "lm/internal/tile_product.h"

namespace arena::lm {
namespace {

// All eight tiles with 16 rows of 64 bytes: 0 to 3 are sums, 4 and 5 X, 6 and 7 W.
class AmxTiles {
 public:
  AmxTiles() {
    struct alignas(64) Configuration {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static_assert(sizeof(Configuration) == 64);
    const Configuration configuration;
    _tile_loadconfig(&configuration);
  }
  ~AmxTiles() { _tile_release(); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  void LoadSums(const float* sums, bool has_second) {
    _tile_loadd(0, sums, kStride);
    _tile_loadd(1, sums + kTileRows, kStride);
    if (!has_second) return;
    _tile_loadd(2, sums + kTileRows * kPanelColumns, kStride);
    _tile_loadd(3, sums + kTileRows * kPanelColumns + kTileRows, kStride);
  }
  void StoreSums(float* sums, bool has_second) {
    _tile_stored(0, sums, kStride);
    _tile_stored(1, sums + kTileRows, kStride);
    if (!has_second) return;
    _tile_stored(2, sums + kTileRows * kPanelColumns, kStride);
    _tile_stored(3, sums + kTileRows * kPanelColumns + kTileRows, kStride);
  }
  void Multiply(const Bfloat16* x, std::size_t x_stride, const Bfloat16* w, bool has_second) {
    const std::size_t x_bytes = x_stride * sizeof(Bfloat16);
    _tile_loadd(4, x, x_bytes);
    _tile_loadd(6, w, kStride);
    _tile_loadd(7, w + 2 * kTileRows, kStride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!has_second) return;
    _tile_loadd(5, x + kTileRows * x_stride, x_bytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }

 private:
  // Bytes from one row to the next: of 32 sums in float, and of 32 columns of pairs in bfloat16.
  static constexpr std::size_t kStride = kPanelColumns * 4;
};

void MultiplyAmx(const Product<Bfloat16>& product) {
  static thread_local TileBlock block;
  AmxTiles tiles;
  MultiplyByTiles(tiles, product, block);
}

constexpr Kernels WithTiles() {
  Kernels kernels = MakeKernels("amx");
  kernels.multiply_rounded = MultiplyAmx;
  return kernels;
}

}  // namespace

constinit const Kernels kAmxKernels = WithTiles();

}  // namespace arena::lm
