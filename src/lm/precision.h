// In what this machine computes best.
#pragma once

#include <string_view>

#include "base/result.h"
#include "checkpoint/tensor.h"
#include "lm/weights.h"

namespace arena::lm {

/// Whether the processor has what the kernels for AVX-512 use: its parts F, DQ, BW and VL.
bool HasAvx512();
/// Whether the processor multiplies bfloat16 tiles (AMX) and the kernel lets programs use them.
bool HasBfloat16Tiles();

/// Whether the processor adds up products of bfloat16 (AVX512-BF16): twice as fast as float32.
bool HasBfloat16Dots();

/// "f32" and "bf16" as they say; "auto": bfloat16 where HasBfloat16Tiles(), and where
/// HasBfloat16Dots() and the weights are `stored` in it, so that they lose nothing; else float32.
Result<Precision> ChoosePrecision(std::string_view name, DType stored);

}  // namespace arena::lm
