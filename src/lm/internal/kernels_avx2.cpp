#include "lm/internal/kernel_sets.h"
#include "lm/internal/kernels_impl.h"

namespace arena::lm {

constinit const Kernels kAvx2Kernels = MakeKernels("avx2");

}  // namespace arena::lm
