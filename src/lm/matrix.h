// A weight matrix in the order in which it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "checkpoint/tensor.h"
#include "lm/kernels.h"
#include "lm/memory.h"

namespace arena::lm {

/// How numbers are kept. Sums are float32 in every case.
enum class Storage {
  kF32,
  kBf16,         ///< two bytes, multiplied with float32
  kBf16Rounded,  ///< two bytes, multiplied with what may be rounded to bfloat16: faster with AMX or
                 ///< AVX512-BF16
};

constexpr std::size_t RoundUpToPanel(std::size_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
}

/// The linear map y = W x of a layer, W (outputs, inputs), kept in panels of 32 outputs
/// (kernels.h). Does not own its memory. Constant after the rows are set: then thread-safe.
class Matrix {
 public:
  Matrix() = default;
  static std::size_t Bytes(std::size_t outputs, std::size_t inputs, Storage storage);
  /// Takes Bytes() of `memory`, which must be zero: padding stays so.
  Matrix(std::size_t outputs, std::size_t inputs, Storage storage, PageMemory& memory);

  /// Copies a tensor [n, inputs] to the outputs from `first` on; where it is of a mapped file, it
  /// gives the pages back as it goes. In two bytes it rounds to the nearest. A weight that is NaN
  /// or infinite is an error that names the tensor.
  Status SetRows(std::size_t first, const TensorView& tensor, bool is_mapped_file);

  /// y (rows, RoundUpToPanel(outputs)) = x (rows, inputs) W^T, or += where `accumulate`. Strides
  /// are in floats. Columns past outputs() become 0 (or keep their value).
  void Multiply(const float* x, std::size_t x_stride, std::size_t rows, float* y,
                std::size_t y_stride, bool accumulate = false) const;

  /// The weights of one output: the row of an embedding. `to` has inputs() floats.
  void ReadRow(std::size_t output, float* to) const;

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }
  std::size_t padded_outputs() const { return RoundUpToPanel(outputs_); }
  Storage storage() const { return storage_; }
  std::size_t bytes() const { return Bytes(outputs_, inputs_, storage_); }

 private:
  void SetPanelRows(std::size_t first, std::size_t count, const float* values);

  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
  Storage storage_ = Storage::kF32;
  std::byte* data_ = nullptr;
};

}  // namespace arena::lm
