// The JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/tensor.h"

namespace arena::internal {

/// An entry as the header states it, not yet held against the file.
struct HeaderEntry {
  std::string name;
  std::string dtype;
  TensorShape shape;
  std::uint64_t begin = 0;  ///< from the end of the header
  std::uint64_t end = 0;
};

/// Reads the header without building a document of it: memory stays at the size of the entries.
/// Every entry has dtype, shape and two offsets, once each; unknown members are errors, and so is a
/// shape of more than 32 dimensions or a name of more than 1024 bytes. `__metadata__` must be an
/// object of strings and is skipped.
Result<std::vector<HeaderEntry>> ParseSafetensorsHeader(std::string_view json,
                                                        std::string_view file);

}  // namespace arena::internal
