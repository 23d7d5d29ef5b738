#include "lm/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "checkpoint/safetensors.h"

namespace arena::lm {
namespace {

Status CheckFinite(const std::vector<float>& values, const TensorView& tensor, std::size_t first) {
  // A sum of products with 0 is 0 unless one factor is NaN or infinite.
  float sum = 0;
  for (const float value : values) sum += value * 0.0F;
  if (sum == 0.0F) return {};
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return InvalidInput(fmt::format("weight {} {}: element {} is {}", tensor.name,
                                  ShapeText(tensor.shape),
                                  first + static_cast<std::size_t>(bad - values.begin()), *bad));
}

}  // namespace

std::size_t Matrix::Bytes(std::size_t outputs, std::size_t inputs, Storage storage) {
  const std::size_t panels = RoundUpToPanel(outputs) / kPanelColumns;
  return panels * (storage == Storage::kF32 ? PanelSize<float>(inputs) * sizeof(float)
                                            : PanelSize<Bfloat16>(inputs) * sizeof(Bfloat16));
}

Matrix::Matrix(std::size_t outputs, std::size_t inputs, Storage storage, PageMemory& memory)
    : outputs_(outputs),
      inputs_(inputs),
      storage_(storage),
      data_(memory.Take(Bytes(outputs, inputs, storage)).data()) {}

Status Matrix::SetRows(std::size_t first, const TensorView& tensor, bool is_mapped_file) {
  const std::size_t rows = tensor.element_count() / inputs_;
  const std::size_t row_bytes = inputs_ * DTypeBytes(tensor.dtype);
  constexpr std::size_t kReleaseBytes = std::size_t{4} << 20;
  std::vector<float> values;
  std::size_t released = 0;
  for (std::size_t row = 0; row < rows;) {
    const std::size_t to_panel_end = kPanelColumns - (first + row) % kPanelColumns;
    const std::size_t count = std::min(to_panel_end, rows - row);
    values.resize(count * inputs_);
    ReadFloats(tensor, row * inputs_, values);
    ARENA_RETURN_IF_ERROR(CheckFinite(values, tensor, row * inputs_));
    SetPanelRows(first + row, count, values.data());
    row += count;
    if (is_mapped_file && ((row - released) * row_bytes >= kReleaseBytes || row == rows)) {
      ReleasePages(tensor.bytes.subspan(released * row_bytes, (row - released) * row_bytes));
      released = row;
    }
  }
  return {};
}

// `count` outputs within one panel.
void Matrix::SetPanelRows(std::size_t first, std::size_t count, const float* values) {
  const std::size_t column = first % kPanelColumns, panel = first / kPanelColumns;
  if (storage_ == Storage::kF32) {
    float* const to = reinterpret_cast<float*>(data_) + panel * PanelSize<float>(inputs_);
    for (std::size_t k = 0; k < inputs_; ++k) {
      for (std::size_t r = 0; r < count; ++r) {
        to[PanelIndex<float>(k, column + r)] = values[r * inputs_ + k];
      }
    }
    return;
  }
  auto* const to = reinterpret_cast<Bfloat16*>(data_) + panel * PanelSize<Bfloat16>(inputs_);
  for (std::size_t k = 0; k < inputs_; ++k) {
    for (std::size_t r = 0; r < count; ++r) {
      to[PanelIndex<Bfloat16>(k, column + r)] = FloatToBf16(values[r * inputs_ + k]);
    }
  }
}

void Matrix::Multiply(const float* x, std::size_t x_stride, std::size_t rows, float* y,
                      std::size_t y_stride, bool accumulate) const {
  const std::size_t panels = padded_outputs() / kPanelColumns;
  if (storage_ == Storage::kF32) {
    ChosenKernels().multiply_f32({x, x_stride, rows, inputs_, reinterpret_cast<const float*>(data_),
                                  panels, y, y_stride, accumulate});
    return;
  }
  const auto* const w = reinterpret_cast<const Bfloat16*>(data_);
  const auto multiply = storage_ == Storage::kBf16Rounded ? ChosenKernels().multiply_rounded
                                                          : ChosenKernels().multiply_bf16;
  multiply({x, x_stride, rows, inputs_, w, panels, y, y_stride, accumulate});
}

void Matrix::ReadRow(std::size_t output, float* to) const {
  const std::size_t column = output % kPanelColumns, panel = output / kPanelColumns;
  if (storage_ == Storage::kF32) {
    const float* const from =
        reinterpret_cast<const float*>(data_) + panel * PanelSize<float>(inputs_);
    for (std::size_t k = 0; k < inputs_; ++k) to[k] = from[PanelIndex<float>(k, column)];
    return;
  }
  const auto* const from =
      reinterpret_cast<const Bfloat16*>(data_) + panel * PanelSize<Bfloat16>(inputs_);
  for (std::size_t k = 0; k < inputs_; ++k) {
    to[k] = Bf16ToFloat(from[PanelIndex<Bfloat16>(k, column)]);
  }
}

}  // namespace arena::lm
