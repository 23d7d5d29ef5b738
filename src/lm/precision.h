// In what this machine computes best.
#pragma once

#include <string_view>

#include "base/result.h"
#include "lm/weights.h"

namespace arena::lm {

/// Whether the processor multiplies bfloat16 tiles (AMX) and the kernel lets programs use them.
bool HasBfloat16Tiles();

/// "f32" and "bf16" as they say; "auto": bfloat16 where HasBfloat16Tiles(), else float32.
Result<Precision> ChoosePrecision(std::string_view name);

}  // namespace arena::lm
