// safetensors: every tensor that is accepted lies within the bytes, and they do not overlap.
#include <cstdint>

#include "check.h"
#include "checkpoint/safetensors.h"

namespace {

using arena::fuzz::Demand;
using arena::fuzz::Touch;

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto file = arena::SafetensorsFile::Parse(bytes, "input");
  if (!file.ok()) {
    Demand(file.error().message.starts_with("input: "), "errors name the file");
    return 0;
  }
  std::size_t total = 0;
  for (const arena::TensorView& tensor : file->tensors()) {
    Touch(AsText(tensor.bytes));
    total += tensor.bytes.size();
    const auto count = arena::ElementCount(tensor.shape);
    Demand(count && static_cast<std::size_t>(*count) == tensor.element_count(), "shapes fit");
    if (!arena::IsWeightDType(tensor.dtype)) continue;
    const auto bad = arena::FirstNonFinite(tensor);
    Demand(!bad || *bad < tensor.element_count(), "an index lies within");
  }
  Demand(total <= size, "tensors do not overlap");
  return 0;
}
