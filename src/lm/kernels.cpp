#include "lm/kernels.h"

#include <cstdlib>
#include <string_view>
#include <vector>

#include "lm/internal/kernel_sets.h"
#include "lm/precision.h"

namespace arena::lm {
namespace {

bool HasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

#if defined(__x86_64__)
// A product by AMX beside the same by AVX-512, once: cheap, and it keeps wrong numbers away where a
// processor, a hypervisor or a kernel has the tiles half.
bool MultiplyAlike(const Kernels& a, const Kernels& b) {
  constexpr std::size_t kRows = 18, kDepth = 35;
  // Small whole numbers: exact in bfloat16, so any order of the sums gives the same bits.
  std::vector<float> x(kRows * kDepth), of_a(kRows * kPanelColumns), of_b(of_a);
  std::vector<Bfloat16> w(PanelSize<Bfloat16>(kDepth));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 13) - 6;
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = i % 3 == 0 ? 0x4000 : i % 3 == 1 ? 0xBF80 : 0;
  a.multiply_bf16(
      {x.data(), kDepth, kRows, kDepth, w.data(), 1, of_a.data(), kPanelColumns, false});
  b.multiply_bf16(
      {x.data(), kDepth, kRows, kDepth, w.data(), 1, of_b.data(), kPanelColumns, false});
  return of_a == of_b;
}

bool HasAmx() {
  static const bool has =
      HasAvx512() && HasBfloat16Tiles() && MultiplyAlike(kAmxKernels, kAvx512Kernels);
  return has;
}
#endif

const Kernels& Choose() {
  if (const char* wanted = std::getenv("ARENA_LM_KERNELS"); wanted != nullptr) {
    if (const Kernels* named = KernelsNamed(wanted); named != nullptr) return *named;
  }
  for (const char* name : {"amx", "avx512bf16", "avx512", "avx2"}) {
    if (const Kernels* named = KernelsNamed(name); named != nullptr) return *named;
  }
  return kPlainKernels;
}

}  // namespace

const Kernels* KernelsNamed(const char* name) {
  const std::string_view wanted = name;
#if defined(__x86_64__)
  if (wanted == "amx" && HasAmx()) return &kAmxKernels;
  if (wanted == "avx512bf16" && HasBfloat16Dots()) return &kAvx512Bf16Kernels;
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
