#include "lm/internal/kernel_sets.h"
#include "lm/internal/kernels_impl.h"

namespace arena::lm {

constinit const Kernels kPlainKernels = MakeKernels("plain");

}  // namespace arena::lm
