#include "train/reward_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/temporary_folder.h"
#include "lm/reference_model.h"
#include "lm/scheduler.h"

namespace arena::train {
namespace {

std::vector<lm::RewardRequest> SomeAnswers() {
  Rng rng(8);
  const auto draw = [&](std::size_t count) {
    std::vector<lm::Token> tokens(count);
    for (lm::Token& token : tokens) token = static_cast<lm::Token>(rng.Below(97));
    return tokens;
  };
  std::vector<lm::RewardRequest> requests;
  for (int i = 0; i < 10; ++i) {
    requests.push_back({std::to_string(i), draw(1 + rng.Below(60)), draw(1 + rng.Below(60))});
  }
  return requests;
}

// What training computes.
std::vector<double> ScoresInTraining(const std::filesystem::path& model,
                                     const std::vector<lm::RewardRequest>& requests) {
  auto network = RewardNetwork::Load(model, lm::Precision::kF32);
  EXPECT_TRUE(network.ok()) << network.error().message;
  Pass pass;
  for (const lm::RewardRequest& request : requests) {
    std::vector<lm::Token> tokens = request.prompt;
    tokens.insert(tokens.end(), request.answer.begin(), request.answer.end());
    std::vector<std::uint8_t> loss(tokens.size(), 1);
    std::fill_n(loss.begin(), request.prompt.size(), std::uint8_t{0});
    pass.Add(tokens, loss);
  }
  return network->Scores(pass);
}

// Whether likelihoods count, and whether the head is the embedding.
class RewardNetworkTest : public testing::TestWithParam<std::pair<double, bool>> {};

TEST_P(RewardNetworkTest, ScoresAreThoseThatTheEngineAnswers) {
  const auto [weight, is_tied] = GetParam();
  TemporaryFolder folder;
  const lm::ReferenceModel written(lm::RewardVariant(is_tied, weight, -4.5), 5, DType::kF32,
                                   folder.path());
  const std::vector<lm::RewardRequest> requests = SomeAnswers();
  const std::vector<double> expected = ScoresInTraining(folder.path(), requests);
  auto model = lm::Model::Load(folder.path(), lm::Precision::kF32);
  ASSERT_TRUE(model.ok()) << model.error().message;
  for (const std::size_t max_batch : {1U, 8U}) {
    auto scheduler = lm::Scheduler::Create(*model, {max_batch, 1U << 20, 30});
    ASSERT_TRUE(scheduler.ok()) << scheduler.error().message;
    for (const lm::RewardRequest& request : requests) ASSERT_TRUE(scheduler->Submit(request).ok());
    std::size_t answered = 0;
    while (!scheduler->idle()) {
      scheduler->Step([&](const lm::Event& event) {
        const auto& result = std::get<lm::RewardResult>(event);
        EXPECT_NEAR(result.reward, expected[std::stoul(result.id)], 1e-4);
        ++answered;
      });
    }
    EXPECT_EQ(answered, requests.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RewardNetworkTest,
                         testing::Values(std::pair(0.0, false), std::pair(0.3, false),
                                         std::pair(0.3, true)));

}  // namespace
}  // namespace arena::train
