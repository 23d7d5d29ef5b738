#include "checkpoint/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace arena {
namespace {

struct DTypeFact {
  DType dtype;
  std::string_view name;
  std::string_view torch_name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array<DTypeFact, 15> kDTypes = {{
    {DType::kF32, "F32", "float32", 4},
    {DType::kF16, "F16", "float16", 2},
    {DType::kBf16, "BF16", "bfloat16", 2},
    {DType::kF64, "F64", "F64", 8},
    {DType::kF8E5M2, "F8_E5M2", "F8_E5M2", 1},
    {DType::kF8E4M3, "F8_E4M3", "F8_E4M3", 1},
    {DType::kI64, "I64", "I64", 8},
    {DType::kI32, "I32", "I32", 4},
    {DType::kI16, "I16", "I16", 2},
    {DType::kI8, "I8", "I8", 1},
    {DType::kU64, "U64", "U64", 8},
    {DType::kU32, "U32", "U32", 4},
    {DType::kU16, "U16", "U16", 2},
    {DType::kU8, "U8", "U8", 1},
    {DType::kBool, "BOOL", "BOOL", 1},
}};

const DTypeFact& Fact(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view DTypeName(DType dtype) { return Fact(dtype).name; }

std::string_view TorchDTypeName(DType dtype) { return Fact(dtype).torch_name; }

std::size_t DTypeBytes(DType dtype) { return Fact(dtype).bytes; }

std::optional<DType> ParseDType(std::string_view name) {
  const auto* found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                   [name](const DTypeFact& fact) { return fact.name == name; });
  if (found == kDTypes.end()) return std::nullopt;
  return found->dtype;
}

bool IsWeightDType(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBf16;
}

std::string ShapeText(const TensorShape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::optional<std::int64_t> ElementCount(const TensorShape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace arena
