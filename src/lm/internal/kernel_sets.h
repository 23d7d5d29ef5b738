// The sets of kernels that this program was compiled with.
#pragma once

#include "lm/kernels.h"

namespace arena::lm {

extern const Kernels kPlainKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512Bf16Kernels;
extern const Kernels kAmxKernels;
#endif

}  // namespace arena::lm
