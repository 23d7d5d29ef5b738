// MinHash signatures (Broder 1997): estimates of Jaccard similarity from fixed-size sketches.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace arena {

/// Makes signatures. Permutation i of the 32-bit numbers is x -> a_i x + b_i mod 2^32 with a_i odd,
/// of the upper half of each shingle's 64-bit hash; a signature holds the smallest image under
/// each. The share of places in which two signatures agree estimates the sets' Jaccard similarity J
/// without bias, with variance J (1 - J) / permutations. Thread-safe after construction.
class MinHasher {
 public:
  /// `permutations`: a multiple of 16. The same seed gives the same signatures on every processor.
  MinHasher(int permutations, std::uint64_t seed);

  std::size_t permutations() const { return factors_.size(); }

  /// Writes the signature of `shingles` to `signature`, which holds permutations() numbers. Of an
  /// empty set: the largest number everywhere.
  void Sign(std::span<const std::uint64_t> shingles, std::span<std::uint32_t> signature) const;

 private:
  std::vector<std::uint32_t> factors_;
  std::vector<std::uint32_t> offsets_;
};

/// The loop behind MinHasher::Sign, made for each instruction set: minima[p] becomes the smallest
/// factors[p] * (shingle >> 32) + offsets[p] over `count` shingles.
struct MinHashKernel {
  const char* name;  ///< "avx512", "avx2", "plain"
  void (*minima)(const std::uint64_t* shingles, std::size_t count, const std::uint32_t* factors,
                 const std::uint32_t* offsets, std::uint32_t* minima, std::size_t permutations);
};

/// The kernels that this processor can run, fastest first; the first is the one in use.
std::span<const MinHashKernel> UsableMinHashKernels();

}  // namespace arena
