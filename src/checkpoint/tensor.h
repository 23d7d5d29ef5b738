// Tensors as files hold them: a name, a type, a shape and little-endian bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena {

/// The element types that a safetensors file may name. Weights must be one of the first three.
enum class DType {
  kF32,
  kF16,
  kBf16,
  kF64,
  kF8E5M2,
  kF8E4M3,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool,
};

/// As safetensors writes it: "F32", "BF16", "F8_E4M3".
std::string_view DTypeName(DType dtype);
std::optional<DType> ParseDType(std::string_view name);
/// As PyTorch and config.json write it: "float32", "float16", "bfloat16"; other types: their
/// safetensors name.
std::string_view TorchDTypeName(DType dtype);
std::size_t DTypeBytes(DType dtype);
/// F32, F16 or BF16.
bool IsWeightDType(DType dtype);

/// Row-major; the last dimension is contiguous. An empty shape is a scalar.
using TensorShape = std::vector<std::int64_t>;

/// "[3, 96]".
std::string ShapeText(const TensorShape& shape);
/// The number of elements; nothing where a dimension is negative or the product exceeds int64.
std::optional<std::int64_t> ElementCount(const TensorShape& shape);

struct TensorSpec {
  std::string name;
  TensorShape shape;
  bool operator==(const TensorSpec&) const = default;
};

/// A tensor whose bytes belong to someone else (a mapped file). The bytes may be unaligned: copy
/// them or read them through the functions below. Their size is that of shape and dtype.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  TensorShape shape;
  std::span<const std::byte> bytes;

  std::size_t element_count() const { return bytes.size() / DTypeBytes(dtype); }
};

/// Converts elements [first, first + out.size()) of an F32, F16 or BF16 tensor. The range must lie
/// within the tensor. Exact: float32 holds every value of the three types. Thread-safe.
void ReadFloats(const TensorView& tensor, std::size_t first, std::span<float> out);

/// Writes `values` as little-endian F32, F16 or BF16, rounding to the nearest (ties to even); what
/// is too large becomes infinite, NaN stays NaN. `out` has values.size() * DTypeBytes(dtype) bytes.
void WriteFloats(std::span<const float> values, DType dtype, std::span<std::byte> out);

/// One value of an IEEE half (binary16) or bfloat16 from its bits, and back as above.
float HalfToFloat(std::uint16_t bits);
float Bf16ToFloat(std::uint16_t bits);
std::uint16_t FloatToHalf(float value);
std::uint16_t FloatToBf16(float value);

/// The index of the first element of an F32, F16 or BF16 tensor that is NaN or infinite. Reads the
/// tensor once, at about the speed of memory.
std::optional<std::size_t> FirstNonFinite(const TensorView& tensor);

}  // namespace arena
