// The loop of MinHashKernel, written once with vectors of the width that the including file is
// compiled for. Each instruction set has a .cpp file with its own compiler flags that includes
// this; all is in an anonymous namespace and nothing of the standard library is called, so that no
// function made for one processor is shared with code for another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "curate/internal/minhash_kernels.h"

namespace arena {
namespace {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr int kVectors = 8;  // times factors, offsets and minima: 24 of 32 registers
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
inline constexpr int kVectors = 4;  // 12 of 16 registers
#else
inline constexpr int kLanes = 4;
inline constexpr int kVectors = 4;
#endif

typedef std::uint32_t Numbers __attribute__((vector_size(kLanes * 4)));
typedef std::uint32_t NumbersInMemory
    __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

// kCount vectors of permutations.
template <int kCount>
[[gnu::always_inline]] inline void Minima(const std::uint64_t* shingles, std::size_t count,
                                          const std::uint32_t* factors,
                                          const std::uint32_t* offsets, std::uint32_t* minima) {
  Numbers factor[kCount], offset[kCount], least[kCount];
  for (int v = 0; v < kCount; ++v) {
    factor[v] = *reinterpret_cast<const NumbersInMemory*>(factors + v * kLanes);
    offset[v] = *reinterpret_cast<const NumbersInMemory*>(offsets + v * kLanes);
    least[v] = Numbers{} - 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<std::uint32_t>(shingles[i] >> 32);
    for (int v = 0; v < kCount; ++v) {
      const Numbers image = factor[v] * x + offset[v];
      least[v] = image < least[v] ? image : least[v];
    }
  }
  for (int v = 0; v < kCount; ++v) {
    *reinterpret_cast<NumbersInMemory*>(minima + v * kLanes) = least[v];
  }
}

void AllMinima(const std::uint64_t* shingles, std::size_t count, const std::uint32_t* factors,
               const std::uint32_t* offsets, std::uint32_t* minima, std::size_t permutations) {
  constexpr std::size_t kStep = static_cast<std::size_t>(kLanes) * kVectors;
  std::size_t p = 0;
  for (; p + kStep <= permutations; p += kStep) {
    Minima<kVectors>(shingles, count, factors + p, offsets + p, minima + p);
  }
  for (; p < permutations; p += kLanes) {
    Minima<1>(shingles, count, factors + p, offsets + p, minima + p);
  }
}

}  // namespace
}  // namespace arena
