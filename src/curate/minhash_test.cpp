#include "curate/minhash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "curate/lsh_bands.h"
#include "curate/shingles.h"

namespace arena {
namespace {

std::vector<std::uint64_t> RandomNumbers(std::size_t count, Rng& rng) {
  std::vector<std::uint64_t> numbers(count);
  for (std::uint64_t& number : numbers) number = rng() | 1;
  return numbers;
}

TEST(MinHashKernels, AllGiveWhatThePlainDefinitionGives) {
  Rng rng(1);
  for (const std::size_t permutations : {16U, 48U, 128U, 272U}) {
    std::vector<std::uint32_t> factors, offsets;
    for (std::size_t p = 0; p < permutations; ++p) {
      factors.push_back(static_cast<std::uint32_t>(rng()) | 1);
      offsets.push_back(static_cast<std::uint32_t>(rng()));
    }
    for (const std::size_t count : {0U, 1U, 2U, 97U}) {
      const auto shingles = RandomNumbers(count, rng);
      std::vector<std::uint32_t> expected(permutations, UINT32_MAX);
      for (std::size_t p = 0; p < permutations; ++p) {
        for (const std::uint64_t shingle : shingles) {
          const auto x = static_cast<std::uint32_t>(shingle >> 32);
          expected[p] = std::min(expected[p], factors[p] * x + offsets[p]);
        }
      }
      for (const MinHashKernel& kernel : UsableMinHashKernels()) {
        std::vector<std::uint32_t> minima(permutations);
        kernel.minima(shingles.data(), count, factors.data(), offsets.data(), minima.data(),
                      permutations);
        EXPECT_EQ(minima, expected) << kernel.name << " " << permutations << " " << count;
      }
    }
  }
  EXPECT_STREQ(UsableMinHashKernels().back().name, "plain");
}

// Over many pairs of sets and seeds the share of agreeing places has the mean J, and the variance
// of that many independent permutations: they neither lean nor move together.
TEST(MinHash, EstimateOfJaccardIsUnbiasedWithTheExpectedVariance) {
  constexpr int kPermutations = 128;
  constexpr int kTrials = 4000;
  for (const std::size_t shared : {10U, 40U, 80U}) {
    constexpr std::size_t kOwn = 30;
    const double jaccard = static_cast<double>(shared) / static_cast<double>(shared + 2 * kOwn);
    double sum = 0, squares = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      Rng rng(7, static_cast<std::uint64_t>(trial));
      const auto numbers = RandomNumbers(shared + 2 * kOwn, rng);
      const std::span all(numbers);
      const MinHasher hasher(kPermutations, static_cast<std::uint64_t>(trial));
      std::vector<std::uint32_t> a(kPermutations), b(kPermutations);
      hasher.Sign(all.first(shared + kOwn), a);
      hasher.Sign(all.subspan(kOwn), b);
      int agreeing = 0;
      for (int p = 0; p < kPermutations; ++p) {
        agreeing += a[static_cast<std::size_t>(p)] == b[static_cast<std::size_t>(p)] ? 1 : 0;
      }
      const double estimate = agreeing / static_cast<double>(kPermutations);
      sum += estimate;
      squares += estimate * estimate;
    }
    const double mean = sum / kTrials;
    const double variance = squares / kTrials - mean * mean;
    const double expected_variance = jaccard * (1 - jaccard) / kPermutations;
    EXPECT_NEAR(mean, jaccard, 4 * std::sqrt(expected_variance / kTrials)) << jaccard;
    EXPECT_NEAR(variance / expected_variance, 1, 4 * std::sqrt(2.0 / kTrials)) << jaccard;
  }
}

TEST(LshBands, TheCurveIsTheBooksExample) {
  // Mining of Massive Datasets, figure 3.8: b = 20, r = 5.
  EXPECT_NEAR(CandidateProbability(0.2, {20, 5}), 0.006, 0.0005);
  EXPECT_NEAR(CandidateProbability(0.5, {20, 5}), 0.470, 0.0005);
  EXPECT_NEAR(CandidateProbability(0.8, {20, 5}), 0.9996, 0.00005);
}

TEST(LshBands, WeightsMoveTheCurve) {
  const LshBands even = ChooseLshBands(0.4, 128, 0.5);
  EXPECT_EQ(even.bands, 32);
  EXPECT_EQ(even.rows, 4);
  const LshBands careful = ChooseLshBands(0.4, 128, 0.1);
  EXPECT_EQ(careful.bands, 42);
  EXPECT_EQ(careful.rows, 3);
  EXPECT_GT(CandidateProbability(0.4, careful), 0.93);
  const LshBands high = ChooseLshBands(0.9, 128, 0.5);
  EXPECT_GT(high.rows, even.rows);
}

}  // namespace
}  // namespace arena
