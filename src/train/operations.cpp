#include "train/operations.h"

#include <string_view>

#include "lm/kernels.h"
#include "train/internal/operation_sets.h"

namespace arena::train {

template <>
const Operations<float>& ChosenOperations() {
#if defined(__x86_64__)
  const std::string_view name = lm::ChosenKernels().name;
  if (name.starts_with("avx512") || name == "amx") return kAvx512Operations;
  if (name == "avx2") return kAvx2Operations;
#endif
  return kPlainOperations;
}

template <>
const Operations<double>& ChosenOperations() {
  return kDoubleOperations;
}

}  // namespace arena::train
