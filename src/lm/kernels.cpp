#include "lm/kernels.h"

#include <cstdlib>
#include <string_view>

#include "lm/internal/kernel_sets.h"

namespace arena::lm {
namespace {

bool HasAvx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

bool HasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

const Kernels& Choose() {
  if (const char* wanted = std::getenv("ARENA_LM_KERNELS"); wanted != nullptr) {
    if (const Kernels* named = KernelsNamed(wanted); named != nullptr) return *named;
  }
  for (const char* name : {"avx512", "avx2"}) {
    if (const Kernels* named = KernelsNamed(name); named != nullptr) return *named;
  }
  return kPlainKernels;
}

}  // namespace

const Kernels* KernelsNamed(const char* name) {
  const std::string_view wanted = name;
#if defined(__x86_64__)
  if (wanted == "avx512" && HasAvx512()) return &kAvx512Kernels;
  if (wanted == "avx2" && HasAvx2()) return &kAvx2Kernels;
#endif
  return wanted == "plain" ? &kPlainKernels : nullptr;
}

const Kernels& ChosenKernels() {
  static const Kernels& kernels = Choose();
  return kernels;
}

}  // namespace arena::lm
