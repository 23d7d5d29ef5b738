#include "lm/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/rng.h"

namespace arena::lm {
namespace {

using testing::HasSubstr;

std::vector<float> RandomLogits(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(6 * rng.Uniform() - 3);
  return logits;
}

// Probabilities by the definitions, over a sorted list of all tokens.
std::vector<double> Expected(const std::vector<float>& logits, const SamplingOptions& options) {
  std::vector<double> weights;
  for (const float logit : logits) {
    weights.push_back(std::exp(static_cast<double>(logit) / options.temperature));
  }
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::size_t kept = order.size();
  if (options.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(options.top_k));
  double mass = 0;
  for (std::size_t i = 0; i < kept; ++i) mass += weights[order[i]];
  double sum = 0;
  std::vector<double> probabilities(logits.size());
  for (std::size_t i = 0; i < kept && sum < options.top_p * mass; ++i) {
    if (weights[order[i]] < options.min_p * weights[order[0]]) break;
    sum += weights[order[i]];
    probabilities[order[i]] = weights[order[i]];
  }
  sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

Token Next(Sampler& sampler, std::vector<float> logits) {
  SamplerScratch scratch;
  return sampler.Next(logits, scratch).value().token;
}

TEST(SamplerTest, FrequenciesAreThoseOfTheDefinitions) {
  const std::vector<SamplingOptions> all = {
      {.temperature = 1},
      {.temperature = 0.5},
      {.temperature = 2.5},
      {.temperature = 1, .top_k = 5},
      {.temperature = 0.8, .top_p = 0.7},
      {.temperature = 1, .min_p = 0.2},
      {.temperature = 1.3, .top_k = 12, .top_p = 0.8, .min_p = 0.05},
      {.temperature = 1, .top_k = 1},
      {.temperature = 1, .top_p = 1e-9},
  };
  // More than one stretch of cumulative sums, most of it unlikely.
  std::vector<float> logits = RandomLogits(1, 2100);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] += i % 105 == 0 ? 6.0F : 0.0F;
#if defined(__SANITIZE_ADDRESS__)
  constexpr int kDraws = 4000;  // the sanitizer looks at memory; each draw takes ten times as long
#else
  constexpr int kDraws = 20000;
#endif
  for (std::size_t number = 0; number < all.size(); ++number) {
    SamplingOptions options = all[number];
    options.seed = 11;
    const std::vector<double> expected = Expected(logits, options);
    Sampler sampler(options, std::nullopt, {});
    std::vector<int> counts(logits.size());
    for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(Next(sampler, logits))];
    double chi_square = 0, rest_expected = 0;
    int cells = 0, rest = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      ASSERT_TRUE(expected[i] > 0 || counts[i] == 0) << "options " << number << " token " << i;
      const double mean = expected[i] * kDraws;
      if (mean < 10) {
        rest_expected += mean;
        rest += counts[i];
        continue;
      }
      chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
      ++cells;
    }
    if (rest_expected > 10) {
      chi_square += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
    }
    // Five standard deviations above the mean of the distribution.
    EXPECT_LT(chi_square, cells + 5 * std::sqrt(2.0 * cells + 1)) << "options " << number;
  }
}

TEST(SamplerTest, TemperatureZeroTakesTheFirstOfTheLargest) {
  Sampler sampler({.temperature = 0}, std::nullopt, {});
  EXPECT_EQ(Next(sampler, {1, 3, 2, 3}), 1);
}

TEST(SamplerTest, LogprobsAreTheModelsOwn) {
  const std::vector<float> logits = RandomLogits(2, 300);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  SamplerScratch scratch;
  for (const double penalty : {1.0, 1.7}) {
    const std::vector<Token> prompt = {5, 6, 7};
    Sampler sampler({.temperature = 0.3, .top_k = 200, .repetition_penalty = penalty, .seed = 3}, 7,
                    prompt);
    for (int i = 0; i < 50; ++i) {
      std::vector<float> copy = logits;
      const Choice choice = sampler.Next(copy, scratch).value();
      const auto logit = static_cast<double>(logits[static_cast<std::size_t>(choice.token)]);
      EXPECT_NEAR(choice.logprob, logit - std::log(sum), 1e-5);
      ASSERT_EQ(choice.top.size(), 7U);
      std::vector<float> sorted = logits;
      std::sort(sorted.rbegin(), sorted.rend());
      for (std::size_t k = 0; k < 7; ++k) {
        EXPECT_NEAR(choice.top[k].logprob, static_cast<double>(sorted[k]) - std::log(sum), 1e-5);
        EXPECT_EQ(logits[static_cast<std::size_t>(choice.top[k].token)], sorted[k]);
      }
    }
  }
}

TEST(SamplerTest, ThePenaltyCountsPromptAndAnswer) {
  const std::vector<Token> prompt = {0};
  Sampler sampler({.temperature = 0, .repetition_penalty = 2}, std::nullopt, prompt);
  const std::vector<float> logits = {4, 3, 2.5, -1};
  EXPECT_EQ(Next(sampler, logits), 1);  // 4 counts as 2
  EXPECT_EQ(Next(sampler, logits), 2);  // and 3 as 1.5
  EXPECT_EQ(Next(sampler, logits), 0);  // 2, 1.5, 1.25
  Sampler negative({.temperature = 0, .repetition_penalty = 2}, std::nullopt, prompt);
  EXPECT_EQ(Next(negative, {-1, -1.5F}), 1);  // -1 counts as -2
}

TEST(SamplerTest, TheSeedDecides) {
  const std::vector<float> logits = RandomLogits(3, 500);
  const auto draws = [&](std::uint64_t seed) {
    Sampler sampler({.seed = seed}, std::nullopt, {});
    std::vector<Token> tokens(30);
    for (Token& token : tokens) token = Next(sampler, logits);
    return tokens;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
}

TEST(SamplerTest, LogitsThatAreNotFiniteAreAnError) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const double temperature : {0.0, 1.0}) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity}) {
      std::vector<float> logits = RandomLogits(4, 100);
      logits[77] = bad;
      Sampler sampler({.temperature = temperature}, std::nullopt, {});
      SamplerScratch scratch;
      const auto choice = sampler.Next(logits, scratch);
      ASSERT_FALSE(choice.ok());
      EXPECT_THAT(choice.error().message, HasSubstr("not finite"));
    }
  }
}

}  // namespace
}  // namespace arena::lm
