#include "curate/minhash.h"

#include "base/rng.h"
#include "curate/internal/minhash_kernels.h"

namespace arena {
namespace {

std::vector<MinHashKernel> FindKernels() {
  std::vector<MinHashKernel> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) kernels.push_back(kAvx512MinHash);
  if (__builtin_cpu_supports("avx2")) kernels.push_back(kAvx2MinHash);
#endif
  kernels.push_back(kPlainMinHash);
  return kernels;
}

}  // namespace

std::span<const MinHashKernel> UsableMinHashKernels() {
  static const std::vector<MinHashKernel> kernels = FindKernels();
  return kernels;
}

MinHasher::MinHasher(int permutations, std::uint64_t seed) {
  Rng rng(seed);
  for (int i = 0; i < permutations; ++i) {
    factors_.push_back(static_cast<std::uint32_t>(rng()) | 1);
    offsets_.push_back(static_cast<std::uint32_t>(rng()));
  }
}

void MinHasher::Sign(std::span<const std::uint64_t> shingles,
                     std::span<std::uint32_t> signature) const {
  UsableMinHashKernels().front().minima(shingles.data(), shingles.size(), factors_.data(),
                                        offsets_.data(), signature.data(), factors_.size());
}

}  // namespace arena
