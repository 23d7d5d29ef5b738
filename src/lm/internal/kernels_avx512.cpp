#include "lm/internal/kernel_sets.h"
#include "lm/internal/kernels_impl.h"

namespace arena::lm {

constinit const Kernels kAvx512Kernels = MakeKernels("avx512");

}  // namespace arena::lm
