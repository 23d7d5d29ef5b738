#include "train/packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace arena::train {
namespace {

constexpr std::size_t kWidth = lm::kPanelColumns;
// Rows of activations that are transposed at once for the gradient of a weight: they and the
// gradient's rows stay in the second-level cache.
constexpr std::size_t kGradientRows = 512;

static_assert(std::endian::native == std::endian::little, "the first of a pair is the lower half");

// The bfloat16 nearest to the value, ties to even; NaN stays NaN. In a form that is vectorised.
std::uint32_t RoundedBits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t nearest = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
  const std::uint32_t nan = bits >> 16 | 0x40U;
  return (bits & 0x7FFFFFFFU) > 0x7F800000U ? nan : nearest;
}

}  // namespace

template <typename Scalar>
Scalar* Packed<Scalar>::Reserve(std::size_t depth, std::size_t columns) {
  depth_ = depth;
  columns_ = columns;
  const std::size_t size = (columns + kWidth - 1) / kWidth * kWidth * depth;
  return panels_.Get(size);
}

template <typename Scalar>
void Packed<Scalar>::Pack(const MatrixView<Scalar>& w) {
  Scalar* to = Reserve(w.rows, w.columns);
  for (std::size_t first = 0; first < w.columns; first += kWidth) {
    const std::size_t count = std::min(kWidth, w.columns - first);
    const Scalar* from = w.data + first;
    for (std::size_t k = 0; k < w.rows; ++k, from += w.stride, to += kWidth) {
      std::copy_n(from, count, to);
      std::fill(to + count, to + kWidth, Scalar(0));
    }
  }
  Round();
}

template <typename Scalar>
void Packed<Scalar>::PackTransposed(const MatrixView<Scalar>& w) {
  Scalar* to = Reserve(w.columns, w.rows);
  for (std::size_t first = 0; first < w.rows; first += kWidth, to += depth_ * kWidth) {
    const std::size_t count = std::min(kWidth, w.rows - first);
    if (count < kWidth) std::fill_n(to, depth_ * kWidth, Scalar(0));
    ChosenOperations<Scalar>().transpose(w.data + first * w.stride, w.stride, count, depth_, to,
                                         kWidth);
  }
  Round();
}

template <>
void Packed<double>::Round() {}

template <>
void Packed<float>::Round() {
  if (precision_ == lm::Precision::kF32) return;
  const std::size_t panels = (columns_ + kWidth - 1) / kWidth;
  const std::size_t size = lm::PanelSize<lm::Bfloat16>(depth_);
  lm::Bfloat16* const rounded = rounded_.Get(panels * size);
  for (std::size_t panel = 0; panel < panels; ++panel) {
    const float* from = panels_.data() + panel * depth_ * kWidth;
    lm::Bfloat16* to = rounded + panel * size;
    for (std::size_t k = 0; k < depth_; k += 2, from += 2 * kWidth, to += 2 * kWidth) {
      std::array<std::uint32_t, kWidth> pairs;
      for (std::size_t c = 0; c < kWidth; ++c) pairs[c] = RoundedBits(from[c]);
      if (k + 1 < depth_) {
        for (std::size_t c = 0; c < kWidth; ++c) pairs[c] |= RoundedBits(from[kWidth + c]) << 16;
      }
      std::memcpy(to, pairs.data(), sizeof pairs);
    }
  }
}

template <>
void Packed<double>::MultiplyPanels(const MatrixView<double>& x, std::size_t panel,
                                    std::size_t panels, double* y, std::size_t y_stride,
                                    bool accumulate) const {
  for (std::size_t row = 0; row < x.rows; ++row) {
    for (std::size_t p = 0; p < panels; ++p) {
      double sums[kWidth] = {};
      const double* w = panels_.data() + (panel + p) * depth_ * kWidth;
      for (std::size_t k = 0; k < x.columns; ++k, w += kWidth) {
        const double factor = x.data[row * x.stride + k];
        for (std::size_t c = 0; c < kWidth; ++c) sums[c] += factor * w[c];
      }
      double* const to = y + row * y_stride + p * kWidth;
      for (std::size_t c = 0; c < kWidth; ++c) to[c] = accumulate ? to[c] + sums[c] : sums[c];
    }
  }
}

template <>
void Packed<float>::MultiplyPanels(const MatrixView<float>& x, std::size_t panel,
                                   std::size_t panels, float* y, std::size_t y_stride,
                                   bool accumulate) const {
  const lm::Kernels& kernels = lm::ChosenKernels();
  if (precision_ == lm::Precision::kF32) {
    kernels.multiply_f32({x.data, x.stride, x.rows, x.columns,
                          panels_.data() + panel * depth_ * kWidth, panels, y, y_stride,
                          accumulate});
    return;
  }
  kernels.multiply_rounded({x.data, x.stride, x.rows, x.columns,
                            rounded_.data() + panel * lm::PanelSize<lm::Bfloat16>(depth_), panels,
                            y, y_stride, accumulate});
}

template <typename Scalar>
void Packed<Scalar>::Multiply(const MatrixView<Scalar>& x, const Target<Scalar>& y,
                              std::size_t columns) {
  if (columns == 0) columns = columns_;
  const std::size_t full = columns / kWidth;
  if (x.columns == depth_) {
    if (full > 0) MultiplyPanels(x, 0, full, y.data, y.stride, y.accumulate);
  } else {
    // A kernel finds the next panel by the depth, which is not the whole here.
    for (std::size_t p = 0; p < full; ++p)
      MultiplyPanels(x, p, 1, y.data + p * kWidth, y.stride, y.accumulate);
  }
  const std::size_t rest = columns % kWidth;
  if (rest == 0) return;
  Scalar* const edge = edge_.Get(x.rows * kWidth);
  MultiplyPanels(x, full, 1, edge, kWidth, false);
  for (std::size_t row = 0; row < x.rows; ++row) {
    const Scalar* const from = edge + row * kWidth;
    Scalar* const to = y.data + row * y.stride + full * kWidth;
    for (std::size_t c = 0; c < rest; ++c) to[c] = y.accumulate ? to[c] + from[c] : from[c];
  }
}

template <typename Scalar>
void Packed<Scalar>::AddTransposedProduct(const MatrixView<Scalar>& dy, const MatrixView<Scalar>& x,
                                          Scalar* gradient) {
  for (std::size_t row = 0; row < dy.rows; row += kGradientRows) {
    const std::size_t count = std::min(kGradientRows, dy.rows - row);
    Scalar* const transposed = transposed_.Get(dy.columns * kGradientRows);
    ChosenOperations<Scalar>().transpose(dy.data + row * dy.stride, dy.stride, count, dy.columns,
                                         transposed, count);
    Pack({x.data + row * x.stride, x.stride, count, x.columns});
    Multiply({transposed, count, dy.columns, count}, {gradient, x.columns, true});
  }
}

template class Packed<float>;
template class Packed<double>;

}  // namespace arena::train
