#include "train/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "train/finite_differences.h"

namespace arena::train {
namespace {

using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLog2 = 0.69314718055994530942;

TEST(SftCoefficientTest, DividesByTheTokensOfTheBatch) {
  EXPECT_EQ(SftCoefficient(4).value(), -0.25);
  const auto empty = SftCoefficient(0);
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().message, "the batch has no tokens to be learned");
}

struct Dpo {
  PreferenceShare share;
  std::vector<DpoGradient> gradients;
};

Dpo ComputeDpo(const std::vector<DpoPair>& pairs, const PreferenceCounts& counts,
               const DpoOptions& options) {
  Dpo dpo{{}, std::vector<DpoGradient>(pairs.size())};
  const auto share = DpoLoss(pairs, counts, options, dpo.gradients);
  EXPECT_TRUE(share.ok()) << share.error().message;
  if (share.ok()) dpo.share = *share;
  return dpo;
}

TEST(DpoLossTest, ComputesWhatOneComputesByHand) {
  // r = 0.5 * 2 and 0.5 * -2: z = 2.
  const std::vector<DpoPair> pairs = {{{-3, -5, 2}, {-7, -5, 4}}};
  const Dpo plain = ComputeDpo(pairs, {1, 2}, {.beta = 0.5});
  const double wrong = 1 / (1 + std::exp(2.0));
  EXPECT_NEAR(plain.share.loss, -std::log(1 - wrong), 1e-15);
  EXPECT_NEAR(plain.gradients[0].chosen, -0.5 * wrong, 1e-15);
  EXPECT_NEAR(plain.gradients[0].rejected, 0.5 * wrong, 1e-15);
  EXPECT_EQ(plain.share.correct, 1);
  EXPECT_EQ(plain.share.margin, 2);
  EXPECT_EQ(plain.share.chosen_reward, 1);
  EXPECT_EQ(plain.share.rejected_reward, -1);

  const Dpo smoothed = ComputeDpo(pairs, {1, 2}, {.beta = 0.5, .label_smoothing = 0.1});
  EXPECT_NEAR(smoothed.share.loss, -0.9 * std::log(1 - wrong) - 0.1 * std::log(wrong), 1e-15);

  // r = 0.5 * 2 / 2 and 0.5 * -2 / 4: z = 0.75.
  const Dpo normalised = ComputeDpo(pairs, {1, 2}, {.beta = 0.5, .length_normalised = true});
  EXPECT_NEAR(normalised.share.loss, std::log(1 + std::exp(-0.75)), 1e-15);

  const Dpo with_sft = ComputeDpo(pairs, {1, 2}, {.beta = 0.5, .sft_weight = 0.5});
  EXPECT_EQ(with_sft.share.likelihood_loss, 1.5);
  EXPECT_NEAR(with_sft.share.loss, plain.share.loss + 0.75, 1e-15);
}

TEST(DpoLossTest, APolicyThatIsTheReferenceLosesLog2AndIsHalfRight) {
  const Dpo dpo = ComputeDpo({{{-3, -3, 2}, {-7, -7, 4}}}, {1, 2}, {});
  EXPECT_DOUBLE_EQ(dpo.share.loss, kLog2);
  EXPECT_EQ(dpo.share.correct, 0.5);
}

TEST(DpoLossTest, IdenticalAnswersPullNowhere) {
  const Dpo dpo = ComputeDpo({{{-3, -2, 2}, {-3, -2, 2}}}, {1, 2}, {});
  EXPECT_EQ(dpo.gradients[0].chosen, -dpo.gradients[0].rejected);
}

TEST(DpoLossTest, GradientsAreTheSlopesOfTheLoss) {
  const DpoOptions options = {
      .beta = 0.3, .label_smoothing = 0.2, .length_normalised = true, .sft_weight = 0.7};
  std::vector<DpoPair> pairs = {{{-3.1, -5, 2}, {-7, -5.5, 4}}, {{-8, -4, 3}, {-2, -5, 1}}};
  const PreferenceCounts counts = {5, 9};  // of a batch with further parts
  const Dpo dpo = ComputeDpo(pairs, counts, options);
  const auto loss = [&] { return ComputeDpo(pairs, counts, options).share.loss; };
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_NEAR(dpo.gradients[i].chosen, Slope(loss, pairs[i].chosen.policy), 1e-9);
    EXPECT_NEAR(dpo.gradients[i].rejected, Slope(loss, pairs[i].rejected.policy), 1e-9);
  }
}

TEST(DpoLossTest, SharesOfPartsAddUp) {
  const std::vector<DpoPair> pairs = {{{-3.1, -5, 2}, {-7, -5.5, 4}}, {{-8, -4, 3}, {-2, -5, 1}}};
  const DpoOptions options = {.sft_weight = 0.5};
  const Dpo whole = ComputeDpo(pairs, {2, 5}, options);
  const Dpo first = ComputeDpo({pairs[0]}, {2, 5}, options);
  const Dpo second = ComputeDpo({pairs[1]}, {2, 5}, options);
  EXPECT_DOUBLE_EQ(whole.share.loss, first.share.loss + second.share.loss);
  EXPECT_EQ(whole.gradients[1].chosen, second.gradients[0].chosen);
}

TEST(DpoLossTest, HugeDifferencesDoNotOverflow) {
  const Dpo lost = ComputeDpo({{{-1e6, 0, 1}, {0, -1e6, 1}}}, {1, 1}, {.beta = 1});
  EXPECT_EQ(lost.share.loss, 2e6);
  EXPECT_EQ(lost.gradients[0].chosen, -1);
  const Dpo won = ComputeDpo({{{0, -1e6, 1}, {-1e6, 0, 1}}}, {1, 1}, {.beta = 1});
  EXPECT_EQ(won.share.loss, 0);
  EXPECT_EQ(won.gradients[0].chosen, 0);
}

std::string DpoError(const DpoPair& pair, const PreferenceCounts& counts = {1, 1}) {
  std::vector<DpoGradient> gradients(1);
  const auto share = DpoLoss(std::span(&pair, 1), counts, {.sft_weight = 1}, gradients);
  return share.ok() ? "no error" : share.error().message;
}

TEST(DpoLossTest, ReportsWhatIsNotFinite) {
  EXPECT_EQ(DpoError({{kNan, 0, 1}, {0, 0, 1}}),
            "pair 0: the log-probability of the chosen answer is nan");
  EXPECT_EQ(DpoError({{0, 0, 1}, {0, -kInfinity, 1}}),
            "pair 0: the log-probability of the rejected answer is -inf");
  EXPECT_EQ(DpoError({{0, 0, 1}, {0, 0, 0}}), "pair 0: the rejected answer has no tokens");
  EXPECT_EQ(DpoError({{1e308, -1e308, 1}, {0, 0, 1}}), "the DPO loss is not finite");
  EXPECT_THAT(DpoError({{0, 0, 1}, {0, 0, 1}}, {1, 0}), HasSubstr("has no tokens to be learned"));
  EXPECT_EQ(DpoError({{0, 0, 1}, {0, 0, 1}}, {0, 1}), "the batch has no pairs");
}

// A pair with its own storage.
struct Scored {
  double chosen = 0, rejected = 0;
  std::vector<double> chosen_tokens, rejected_tokens;
  double margin = 0;
};

struct Reward {
  Result<PreferenceShare> share = PreferenceShare{};
  std::vector<RewardGradient> gradients;
  std::vector<std::vector<double>> storage;
};

Reward ComputeReward(const std::vector<Scored>& scored, const PreferenceCounts& counts,
                     const RewardOptions& options) {
  Reward reward;
  std::vector<RewardPair> pairs;
  for (const Scored& s : scored) {
    pairs.push_back({{s.chosen, s.chosen_tokens}, {s.rejected, s.rejected_tokens}, s.margin});
    reward.storage.emplace_back(s.chosen_tokens.size());
    reward.storage.emplace_back(s.rejected_tokens.size());
  }
  for (std::size_t i = 0; i < scored.size(); ++i) {
    reward.gradients.push_back({{0, reward.storage[2 * i]}, {0, reward.storage[2 * i + 1]}});
  }
  reward.share = RewardLoss(pairs, counts, options, reward.gradients);
  return reward;
}

TEST(RewardScoreTest, AddsLikelihoodsDownToTheFloor) {
  const std::vector<double> tokens = {-1, -10, -3};
  const RewardOptions options = {.likelihood_score_weight = 0.5, .log_prob_floor = -6};
  EXPECT_EQ(RewardScore({2, tokens}, options), -3);
  EXPECT_EQ(RewardScore({2, tokens}, {}), 2);
}

TEST(RewardLossTest, ComputesWhatOneComputesByHand) {
  const Reward plain = ComputeReward({{2, 1, {}, {}, 0.5}}, {1, 0}, {});
  ASSERT_TRUE(plain.share.ok()) << plain.share.error().message;
  EXPECT_NEAR(plain.share->loss, std::log(1 + std::exp(-0.5)), 1e-15);
  EXPECT_NEAR(plain.gradients[0].chosen.head, -1 / (1 + std::exp(0.5)), 1e-15);
  EXPECT_EQ(plain.gradients[0].rejected.head, -plain.gradients[0].chosen.head);
  EXPECT_EQ(plain.share->correct, 1);
  EXPECT_EQ(plain.share->margin, 1);

  const Reward centred = ComputeReward({{2, 1, {}, {}, 0.5}}, {1, 0}, {.centring_weight = 0.01});
  EXPECT_NEAR(centred.share->loss, plain.share->loss + 0.09, 1e-15);

  const Reward likely =
      ComputeReward({{2, 1, {-1, -2}, {-4}, 0}}, {1, 2}, {.likelihood_loss_weight = 0.3});
  EXPECT_EQ(likely.share->likelihood_loss, 1.5);
  EXPECT_NEAR(likely.share->loss, std::log(1 + std::exp(-1.0)) + 0.45, 1e-15);
}

TEST(RewardLossTest, GradientsAreTheSlopesOfTheLoss) {
  const RewardOptions options = {.centring_weight = 0.02,
                                 .likelihood_loss_weight = 0.3,
                                 .likelihood_score_weight = 0.5,
                                 .log_prob_floor = -6};
  std::vector<Scored> scored = {{2, 1, {-1, -7, -0.5}, {-2, -0.1}, 0.4},
                                {-1, 3, {-0.2}, {-9, -8, -0.3}, 0}};
  const PreferenceCounts counts = {3, 10};
  const Reward reward = ComputeReward(scored, counts, options);
  ASSERT_TRUE(reward.share.ok());
  const auto loss = [&] { return ComputeReward(scored, counts, options).share->loss; };
  for (std::size_t i = 0; i < scored.size(); ++i) {
    EXPECT_NEAR(reward.gradients[i].chosen.head, Slope(loss, scored[i].chosen), 1e-9);
    EXPECT_NEAR(reward.gradients[i].rejected.head, Slope(loss, scored[i].rejected), 1e-9);
    for (std::size_t t = 0; t < scored[i].chosen_tokens.size(); ++t) {
      EXPECT_NEAR(reward.storage[2 * i][t], Slope(loss, scored[i].chosen_tokens[t]), 1e-9);
    }
    for (std::size_t t = 0; t < scored[i].rejected_tokens.size(); ++t) {
      EXPECT_NEAR(reward.storage[2 * i + 1][t], Slope(loss, scored[i].rejected_tokens[t]), 1e-9);
    }
  }
}

TEST(RewardLossTest, HugeMarginsDoNotOverflow) {
  const Reward lost = ComputeReward({{-1e9, 1e9, {}, {}, 1e9}}, {1, 0}, {});
  ASSERT_TRUE(lost.share.ok());
  EXPECT_EQ(lost.share->loss, 3e9);
  EXPECT_EQ(lost.gradients[0].chosen.head, -1);
  EXPECT_EQ(lost.share->correct, 0);
}

TEST(RewardLossTest, ReportsWhatIsNotFinite) {
  const auto error = [](const Scored& scored) {
    const Reward reward = ComputeReward({scored}, {1, 1}, {.likelihood_loss_weight = 1});
    return reward.share.ok() ? "no error" : reward.share.error().message;
  };
  EXPECT_EQ(error({kNan, 0, {}, {}, 0}), "pair 0: the score of the chosen answer is nan");
  EXPECT_EQ(error({0, kInfinity, {}, {}, 0}), "pair 0: the score of the rejected answer is inf");
  EXPECT_EQ(error({0, 0, {}, {}, kNan}), "pair 0: the margin is nan");
  EXPECT_EQ(error({0, 0, {-1, -kInfinity}, {}, 0}),
            "pair 0: log-probabilities of the chosen answer: number 1 is -inf");
}

}  // namespace
}  // namespace arena::train
