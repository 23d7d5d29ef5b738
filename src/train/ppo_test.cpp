#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "train/finite_differences.h"
#include "train/ppo_losses.h"
#include "train/ppo_rewards.h"

namespace arena::train {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Numbers = std::vector<double>;

Numbers Random(std::size_t size, std::uint64_t stream) {
  Rng rng(7, stream);
  Numbers numbers(size);
  for (double& number : numbers) number = 4 * rng.Uniform() - 2;
  return numbers;
}

TEST(SumsTest, GiveMeanAndUnbiasedVarianceAndAddUp) {
  const Numbers values = {1, 2, 6, 7};
  Sums sums = SumsOf(std::span(values).first(1));
  EXPECT_EQ(sums.Variance(), 0);
  sums.Add(SumsOf(std::span(values).subspan(1)));
  EXPECT_EQ(sums.Mean(), 4);
  EXPECT_DOUBLE_EQ(sums.Variance(), 26.0 / 3);
  EXPECT_EQ(Sums{}.Mean(), 0);
}

TEST(StandardiseTest, GivesMean0AndVariance1) {
  Numbers values = Random(50, 1);
  Standardise(SumsOf(values), values);
  const Sums sums = SumsOf(values);
  EXPECT_NEAR(sums.Mean(), 0, 1e-15);
  EXPECT_NEAR(sums.Variance(), 1, 1e-7);
}

TEST(StandardiseTest, EqualNumbersBecome0) {
  Numbers values(3, 0.1);
  Standardise(SumsOf(values), values);
  EXPECT_THAT(values, ::testing::Each(DoubleNear(0, 1e-10)));
}

TEST(RewardsTest, AreCentredClippedAndPenalised) {
  Numbers rewards = {1, 3, 10, 20, 5, 5};
  ASSERT_TRUE(CentrePerPrompt(2, rewards).ok());
  EXPECT_THAT(rewards, ElementsAre(-1, 1, -5, 5, 0, 0));
  ClipRewards(3, rewards);
  EXPECT_THAT(rewards, ElementsAre(-1, 1, -3, 3, 0, 0));
  ClipRewards(0, rewards);
  const std::vector<std::uint8_t> ended = {1, 0, 1, 0, 1, 1};
  ASSERT_TRUE(PenaliseUnended(ended, 2, rewards).ok());
  EXPECT_THAT(rewards, ElementsAre(-1, -1, -3, 1, 0, 0));
  EXPECT_FALSE(CentrePerPrompt(4, rewards).ok());
  EXPECT_FALSE(CentrePerPrompt(0, rewards).ok());
  EXPECT_FALSE(PenaliseUnended(std::span(ended).first(2), 2, rewards).ok());
}

TEST(TokenRewardsTest, ComputesWhatOneComputesByHand) {
  const Numbers old = {-1, -2, -3}, reference = {-1.5, -2, -1};
  const std::vector<std::int64_t> ends = {2, 3};
  Numbers rewards(3);
  const auto kl = TokenRewards(Numbers{10, 20}, old, reference, ends, 0.1, rewards);
  ASSERT_TRUE(kl.ok()) << kl.error().message;
  EXPECT_DOUBLE_EQ(*kl, 0.5 - 2);
  EXPECT_THAT(rewards, ElementsAre(DoubleEq(-0.05), DoubleEq(10), DoubleEq(20.2)));
}

TEST(TokenRewardsTest, ReportsWhatIsNotFiniteAndWrongEnds) {
  Numbers rewards(2);
  const Numbers fine = {-1, -1};
  const auto error = [&](const Numbers& answers, const Numbers& old, const Numbers& reference,
                         const std::vector<std::int64_t>& ends) {
    const auto kl = TokenRewards(answers, old, reference, ends, 0.1, rewards);
    return kl.ok() ? "no error" : kl.error().message;
  };
  EXPECT_EQ(error({kNan}, fine, fine, {2}), "rewards of answers: number 0 is nan");
  EXPECT_THAT(error({1}, {-1, -kInfinity}, fine, {2}), HasSubstr("number 1 is -inf"));
  EXPECT_THAT(error({1}, fine, {kNan, 0}, {2}), HasSubstr("the reference: number 0 is nan"));
  EXPECT_THAT(error({1}, fine, fine, {1}), HasSubstr("ends at 1 of 2"));
  EXPECT_THAT(error({1, 1}, fine, fine, {2, 2}), HasSubstr("2 <= 2"));
  EXPECT_THAT(error({1, 1}, fine, fine, {2}), HasSubstr("sizes 1 and 2 differ"));
}

// The definition, sum by sum: A_t = sum_l (gamma lambda)^l d_(t+l), token by token of one answer.
Numbers AdvantagesBySums(const Numbers& rewards, const Numbers& values,
                         const std::vector<std::int64_t>& ends, const GaeOptions& options) {
  Numbers advantages;
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    for (std::int64_t t = begin; t < end; ++t) {
      double advantage = 0;
      for (std::int64_t s = t; s < end; ++s) {
        const auto at = static_cast<std::size_t>(s);
        const double next = s + 1 < end ? values[at + 1] : 0;
        advantage += std::pow(options.gamma * options.lambda, static_cast<double>(s - t)) *
                     (rewards[at] + options.gamma * next - values[at]);
      }
      advantages.push_back(advantage);
    }
    begin = end;
  }
  return advantages;
}

TEST(EstimateAdvantagesTest, AgreesWithTheDefinition) {
  const std::vector<std::int64_t> ends = {1, 6, 8, 20};
  const Numbers rewards = Random(20, 2), values = Random(20, 3);
  for (const GaeOptions& options : {GaeOptions{0.9, 0.8}, {1, 0.95}, {1, 1}, {0.5, 0}}) {
    Numbers advantages(20), returns(20);
    ASSERT_TRUE(EstimateAdvantages(rewards, values, ends, options, advantages, returns).ok());
    EXPECT_THAT(advantages,
                Pointwise(DoubleNear(1e-12), AdvantagesBySums(rewards, values, ends, options)));
    for (std::size_t t = 0; t < 20; ++t) EXPECT_EQ(returns[t], advantages[t] + values[t]);
  }
}

TEST(EstimateAdvantagesTest, WithLambda1TheReturnIsTheSumOfWhatFollows) {
  Numbers advantages(3), returns(3);
  const std::vector<std::int64_t> ends = {3};
  ASSERT_TRUE(
      EstimateAdvantages(Numbers{1, 2, 4}, Numbers{5, 6, 7}, ends, {1, 1}, advantages, returns)
          .ok());
  EXPECT_THAT(returns, ElementsAre(7, 6, 4));
  const Status bad =
      EstimateAdvantages(Numbers{1, kNan, 4}, Numbers{5, 6, 7}, ends, {}, advantages, returns);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message, "rewards of tokens: number 1 is nan");
}

TEST(NextKlCoefficientTest, MovesTowardsTheTarget) {
  const AdaptiveKl options = {.target = 6, .horizon = 1000};
  EXPECT_DOUBLE_EQ(NextKlCoefficient(0.2, 6, 100, options).value(), 0.2);
  EXPECT_DOUBLE_EQ(NextKlCoefficient(0.2, 6.6, 100, options).value(), 0.2 * 1.01);
  EXPECT_DOUBLE_EQ(NextKlCoefficient(0.2, 100, 100, options).value(), 0.2 * 1.02);
  EXPECT_DOUBLE_EQ(NextKlCoefficient(0.2, -100, 100, options).value(), 0.2 * 0.98);
  EXPECT_FALSE(NextKlCoefficient(0.2, kNan, 100, options).ok());
  EXPECT_FALSE(NextKlCoefficient(0.2, 6, 1001, options).ok());
  EXPECT_FALSE(NextKlCoefficient(0.2, 6, 100, {.target = 0, .horizon = 1000}).ok());
}

TEST(ExplainedVarianceTest, Is1ForPerfectValuesAnd0ForAConstant) {
  const Numbers returns = {1, 2, 4};
  EXPECT_EQ(ExplainedVariance(SumsOf(returns), SumsOf(Numbers(3, 0.0))), 1);
  EXPECT_EQ(ExplainedVariance(SumsOf(returns), SumsOf(returns)), 0);
  EXPECT_EQ(ExplainedVariance(SumsOf(Numbers(3, 2.0)), SumsOf(returns)), std::nullopt);
}

struct Policy {
  PolicyShare share;
  Numbers gradients;
};

Policy ComputePolicy(const Numbers& log_probs, const Numbers& old, const Numbers& advantages,
                     std::int64_t tokens) {
  Policy policy{{}, Numbers(log_probs.size())};
  const auto share = PolicyLoss(log_probs, old, advantages, 0.2, tokens, policy.gradients);
  EXPECT_TRUE(share.ok()) << share.error().message;
  if (share.ok()) policy.share = *share;
  return policy;
}

TEST(PolicyLossTest, ComputesWhatOneComputesByHand) {
  const double up = std::log(1.5), down = std::log(0.5);
  const Policy policy =
      ComputePolicy({0, up, up, down, down}, Numbers(5, 0.0), {1, 1, -1, 1, -1}, 5);
  // -1, -1.2 (cut), 1.5, -0.5, 0.8 (cut).
  EXPECT_NEAR(policy.share.loss, (-1 - 1.2 + 1.5 - 0.5 + 0.8) / 5, 1e-15);
  EXPECT_DOUBLE_EQ(policy.share.clip_fraction, 0.4);
  EXPECT_THAT(policy.gradients, Pointwise(DoubleNear(1e-15), {-0.2, 0.0, 0.3, -0.1, 0.0}));
  EXPECT_NEAR(policy.share.kl_k1, -2 * (up + down) / 5, 1e-15);
  EXPECT_NEAR(policy.share.kl_k3, (2 * (0.5 - up) + 2 * (-0.5 - down)) / 5, 1e-15);
}

TEST(PolicyLossTest, GradientsAreTheSlopesOfTheLoss) {
  Numbers log_probs = Random(40, 4);
  const Numbers old = Random(40, 5), advantages = Random(40, 6);
  const Policy policy = ComputePolicy(log_probs, old, advantages, 90);
  EXPECT_GT(policy.share.clip_fraction, 0.1);
  const auto loss = [&] { return ComputePolicy(log_probs, old, advantages, 90).share.loss; };
  for (std::size_t t = 0; t < log_probs.size(); ++t) {
    EXPECT_NEAR(policy.gradients[t], Slope(loss, log_probs[t]), 1e-8);
  }
}

TEST(PolicyLossTest, HugeRatiosDoNotOverflow) {
  const Policy policy = ComputePolicy({0, -1e6}, {-1e6, 0}, {-1, 1}, 2);
  EXPECT_DOUBLE_EQ(policy.share.loss, (std::exp(20.0) - std::exp(-20.0)) / 2);
  EXPECT_THAT(policy.gradients, ElementsAre(0, 0));
}

TEST(PolicyLossTest, ReportsWhatIsNotFinite) {
  Numbers gradients(1);
  const auto error = [&](double log_prob, double old, double advantage, std::int64_t tokens) {
    const auto share =
        PolicyLoss(Numbers{log_prob}, Numbers{old}, Numbers{advantage}, 0.2, tokens, gradients);
    return share.ok() ? "no error" : share.error().message;
  };
  EXPECT_EQ(error(kNan, 0, 0, 1), "log-probabilities: number 0 is nan");
  EXPECT_EQ(error(0, -kInfinity, 0, 1), "log-probabilities when sampled: number 0 is -inf");
  EXPECT_EQ(error(0, 0, kNan, 1), "advantages: number 0 is nan");
  EXPECT_EQ(error(0, 0, 0, 0), "the batch has no tokens to be learned");
}

struct Value {
  ValueShare share;
  Numbers gradients;
};

Value ComputeValue(const Numbers& values, const Numbers& old, const Numbers& returns,
                   double clip_range) {
  Value value{{}, Numbers(values.size())};
  const auto share = ValueLoss(values, old, returns, clip_range, 80, value.gradients);
  EXPECT_TRUE(share.ok()) << share.error().message;
  if (share.ok()) value.share = *share;
  return value;
}

TEST(ValueLossTest, ComputesWhatOneComputesByHand) {
  // From 0 to 1 with a range of 0.2: the return 1 is reached, but 0.2 counts.
  const Value value = ComputeValue({1, 1}, {0, 0}, {1, -1}, 0.2);
  EXPECT_NEAR(value.share.loss, (0.5 * 0.64 + 0.5 * 4) / 80, 1e-15);
  EXPECT_DOUBLE_EQ(value.share.clip_fraction, 1.0 / 80);
  EXPECT_THAT(value.gradients, ElementsAre(0, DoubleEq(2.0 / 80)));
  const Value plain = ComputeValue({1, 1}, {0, 0}, {1, -1}, 0);
  EXPECT_NEAR(plain.share.loss, 2.0 / 80, 1e-15);
}

TEST(ValueLossTest, GradientsAreTheSlopesOfTheLoss) {
  Numbers values = Random(40, 7);
  const Numbers old = Random(40, 8), returns = Random(40, 9);
  const Value value = ComputeValue(values, old, returns, 0.3);
  EXPECT_GT(value.share.clip_fraction, 0.05);
  const auto loss = [&] { return ComputeValue(values, old, returns, 0.3).share.loss; };
  for (std::size_t t = 0; t < values.size(); ++t) {
    EXPECT_NEAR(value.gradients[t], Slope(loss, values[t]), 1e-9);
  }
}

TEST(ValueLossTest, ReportsWhatIsNotFinite) {
  Numbers gradients(1);
  const auto share = ValueLoss(Numbers{0}, Numbers{0}, Numbers{kInfinity}, 0.2, 1, gradients);
  ASSERT_FALSE(share.ok());
  EXPECT_EQ(share.error().message, "returns: number 0 is inf");
}

}  // namespace
}  // namespace arena::train
