// Matrix products of training, on the kernels of inference.
#pragma once

#include <cstddef>

#include "lm/kernels.h"
#include "lm/memory.h"
#include "lm/precision.h"
#include "train/operations.h"

namespace arena::train {

/// A (rows, columns) matrix of floats or doubles that belongs to someone else.
template <typename Scalar>
struct MatrixView {
  const Scalar* data = nullptr;
  std::size_t stride = 0;  ///< numbers from one row to the next
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// Where a product goes: as many rows as the left factor, as many columns as the right one.
template <typename Scalar>
struct Target {
  Scalar* data = nullptr;
  std::size_t stride = 0;
  bool accumulate = false;  ///< add to what stands there
};

/// The right factor W (depth, columns) of Y = X W, copied into the order in which the kernels read
/// it; packing costs as much as a pass over W, which pays from a few rows of X on. One object is
/// one working buffer that is packed again and again. In bfloat16 both factors are rounded (X only
/// where that is faster: on AMX) and sums stay in float32. Not thread-safe.
template <typename Scalar>
class Packed {
 public:
  explicit Packed(lm::Precision precision = lm::Precision::kF32) : precision_(precision) {}

  /// W = w
  void Pack(const MatrixView<Scalar>& w);
  /// W = w transposed: Y = X w^T
  void PackTransposed(const MatrixView<Scalar>& w);

  /// Y = X W. `x` may have fewer columns than W has rows: then only so much of the depth counts.
  /// Where `columns` is not 0 only the first so many columns of Y are computed.
  void Multiply(const MatrixView<Scalar>& x, const Target<Scalar>& y, std::size_t columns = 0);

  /// gradient (dy.columns, x.columns) += dy^T x, some hundred rows at a time; packs x, so that what
  /// was packed is lost.
  void AddTransposedProduct(const MatrixView<Scalar>& dy, const MatrixView<Scalar>& x,
                            Scalar* gradient);

  std::size_t depth() const { return depth_; }
  std::size_t columns() const { return columns_; }

 private:
  Scalar* Reserve(std::size_t depth, std::size_t columns);
  void Round();
  void MultiplyPanels(const MatrixView<Scalar>& x, std::size_t panel, std::size_t panels, Scalar* y,
                      std::size_t y_stride, bool accumulate) const;

  lm::Precision precision_;
  std::size_t depth_ = 0;
  std::size_t columns_ = 0;
  lm::Buffer<Scalar> panels_;         // (panels, depth, 32)
  lm::Buffer<lm::Bfloat16> rounded_;  // the same in pairs of k
  lm::Buffer<Scalar> transposed_;     // (columns of dy, rows at a time)
  lm::Buffer<Scalar> edge_;           // (rows, 32): the last panel where columns do not fill it
};

}  // namespace arena::train
