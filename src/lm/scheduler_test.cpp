#include "lm/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/rng.h"
#include "lm/reference_model.h"

namespace arena::lm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Token> RandomTokens(Rng& rng, std::size_t count) {
  std::vector<Token> tokens(count);
  for (Token& token : tokens) token = static_cast<Token>(rng.Below(97));
  return tokens;
}

// All that came for each id, in order.
using Events = std::map<std::string, std::vector<Event>>;

std::string IdOf(const Event& event) {
  return std::visit([](const auto& kind) { return kind.id; }, event);
}

class SchedulerTest : public testing::Test {
 protected:
  explicit SchedulerTest(const Variant& variant = VariantNamed("llama_gqa_untied"))
      : reference_(variant, 5, DType::kF32, folder_.path()),
        model_(std::move(*Model::Load(folder_.path(), Precision::kF32))) {}

  // One block of this model: 2 layers, 2 heads, (10 + 32) columns, 32 tokens, 4 bytes.
  static constexpr std::size_t kBlockBytes = 2 * 2 * 42 * 32 * 4;

  Scheduler Make(std::size_t max_batch = 8, std::size_t blocks = 64, std::size_t step_tokens = 20) {
    return std::move(*Scheduler::Create(model_, {max_batch, blocks * kBlockBytes, step_tokens}));
  }
  static Events RunAll(Scheduler& scheduler) {
    Events events;
    for (int step = 0; !scheduler.idle() && step < 100000; ++step) {
      scheduler.Step([&](const Event& event) { events[IdOf(event)].push_back(event); });
    }
    EXPECT_TRUE(scheduler.idle());
    return events;
  }
  GenerateResult RunAlone(const GenerateRequest& request) {
    Scheduler scheduler = Make();
    EXPECT_TRUE(scheduler.Submit(request).ok());
    return std::get<GenerateResult>(RunAll(scheduler)[request.id].back());
  }
  std::string ErrorOf(Request request, std::size_t blocks = 64) {
    Scheduler scheduler = Make(8, blocks);
    const Status status = scheduler.Submit(std::move(request));
    EXPECT_TRUE(scheduler.idle());
    return status.ok() ? "" : status.error().message;
  }

  // Requests of every kind of options, lengths over several blocks.
  static std::vector<GenerateRequest> ManyRequests(int count) {
    Rng rng(21);
    std::vector<GenerateRequest> requests;
    for (int i = 0; i < count; ++i) {
      GenerateRequest request;
      request.id = std::to_string(i);
      request.prompt = RandomTokens(rng, 1 + rng.Below(70));
      request.max_new_tokens = static_cast<std::int64_t>(1 + rng.Below(50));
      request.sampling.temperature = i % 3 == 0 ? 0 : 0.9;
      request.sampling.top_k = i % 4 == 1 ? 20 : 0;
      request.sampling.top_p = i % 5 == 2 ? 0.8 : 1;
      request.sampling.repetition_penalty = i % 6 == 3 ? 1.3 : 1;
      request.sampling.seed = static_cast<std::uint64_t>(i);
      request.stop_tokens = RandomTokens(rng, 2);
      if (i % 2 == 0) request.logprobs = i % 7;
      requests.push_back(std::move(request));
    }
    return requests;
  }

  void ExpectAsAlone(const std::vector<GenerateRequest>& requests, Events& events) {
    for (const GenerateRequest& request : requests) {
      const GenerateResult alone = RunAlone(request);
      ASSERT_EQ(events[request.id].size(), 1U) << request.id;
      const auto& result = std::get<GenerateResult>(events[request.id][0]);
      EXPECT_EQ(result.tokens.tokens, alone.tokens.tokens) << request.id;
      EXPECT_EQ(result.tokens.logprobs, alone.tokens.logprobs);
      EXPECT_EQ(result.tokens.top, alone.tokens.top);
      EXPECT_EQ(result.finish, alone.finish);
    }
  }

  TemporaryFolder folder_;
  ReferenceModel reference_;
  Model model_;
};

TEST_F(SchedulerTest, GreedyAnswersAreThoseOfPlainLoops) {
  Rng rng(1);
  for (int i = 0; i < 5; ++i) {
    GenerateRequest request{"a", RandomTokens(rng, 1 + rng.Below(40))};
    request.max_new_tokens = 12;
    request.sampling.temperature = 0;
    request.logprobs = 0;
    const GenerateResult result = RunAlone(request);
    EXPECT_EQ(result.finish, Finish::kLength);
    std::vector<Token> tokens = request.prompt;
    for (std::size_t step = 0; step < 12; ++step) {
      const std::vector<double> logprobs =
          ReferenceModel::LogSoftmax(reference_.Logits(tokens).back());
      const auto best = std::max_element(logprobs.begin(), logprobs.end());
      tokens.push_back(static_cast<Token>(best - logprobs.begin()));
      EXPECT_EQ(result.tokens.tokens[step], tokens.back());
      EXPECT_NEAR(result.tokens.logprobs[step], *best, 1e-4);
    }
  }
}

TEST_F(SchedulerTest, ManyTogetherAnswerAsEachAlone) {
  const std::vector<GenerateRequest> requests = ManyRequests(60);
  Scheduler scheduler = Make(16, 100);
  for (const GenerateRequest& request : requests) ASSERT_TRUE(scheduler.Submit(request).ok());
  Events events = RunAll(scheduler);
  ExpectAsAlone(requests, events);
  EXPECT_EQ(scheduler.stats().finished, 60);
  EXPECT_EQ(scheduler.stats().free_cache_blocks, scheduler.stats().cache_blocks);
}

TEST_F(SchedulerTest, AFullCacheDelaysAndDoesNotChangeAnswers) {
  const std::vector<GenerateRequest> requests = ManyRequests(40);
  Scheduler scheduler = Make(16, 9);
  for (const GenerateRequest& request : requests) ASSERT_TRUE(scheduler.Submit(request).ok());
  Events events = RunAll(scheduler);
  EXPECT_GT(scheduler.stats().preemptions, 0);
  ExpectAsAlone(requests, events);
}

TEST_F(SchedulerTest, ScoresAndEmbeddingsAreThoseOfPlainLoops) {
  Rng rng(3);
  Scheduler scheduler = Make(8, 64, 7);
  const std::vector<Token> prompt = RandomTokens(rng, 40), answer = RandomTokens(rng, 30);
  ASSERT_TRUE(scheduler.Submit(ScoreRequest{"score", prompt, answer}).ok());
  ASSERT_TRUE(scheduler.Submit(ScoreRequest{"short", {1}, {2}}).ok());
  ASSERT_TRUE(scheduler.Submit(EmbedRequest{"embed", prompt}).ok());
  ASSERT_TRUE(scheduler.Submit(EmbedRequest{"one", {7}}).ok());
  Events events = RunAll(scheduler);

  std::vector<Token> tokens = prompt;
  tokens.insert(tokens.end(), answer.begin(), answer.end());
  const Rows logits = reference_.Logits(tokens);
  const auto& scores = std::get<ScoreResult>(events["score"][0]).logprobs;
  ASSERT_EQ(scores.size(), answer.size());
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const auto expected = ReferenceModel::LogSoftmax(logits[prompt.size() - 1 + i]);
    EXPECT_NEAR(scores[i], expected[static_cast<std::size_t>(answer[i])], 1e-4);
  }
  EXPECT_EQ(std::get<ScoreResult>(events["short"][0]).logprobs.size(), 1U);

  const Rows hidden = reference_.Hidden(prompt);
  const auto& vector = std::get<EmbedResult>(events["embed"][0]).vector;
  ASSERT_EQ(vector.size(), 40U);
  for (std::size_t d = 0; d < vector.size(); ++d) {
    double mean = 0;
    for (const auto& row : hidden) mean += row[d] / static_cast<double>(hidden.size());
    EXPECT_NEAR(vector[d], mean, 1e-4);
  }
  EXPECT_EQ(std::get<EmbedResult>(events["one"][0]).vector.size(), 40U);
}

// With and without likelihoods, from the embedding and from a head of its own.
class RewardTest : public SchedulerTest,
                   public testing::WithParamInterface<std::pair<bool, double>> {
 protected:
  static constexpr double kFloor = -4.5;

  RewardTest() : SchedulerTest(RewardVariant(GetParam().first, GetParam().second, kFloor)) {}

  static std::vector<RewardRequest> ManyAnswers() {
    Rng rng(8);
    std::vector<RewardRequest> requests;
    for (int i = 0; i < 12; ++i) {
      requests.push_back({std::to_string(i), RandomTokens(rng, 1 + rng.Below(40)),
                          RandomTokens(rng, i == 0 ? 1 : 1 + rng.Below(50))});
    }
    return requests;
  }
  // By plain loops. Counts the tokens that the floor lifts.
  double Expected(const RewardRequest& request, int& lifted) const {
    std::vector<Token> tokens = request.prompt;
    tokens.insert(tokens.end(), request.answer.begin(), request.answer.end());
    double reward = reference_.Score(tokens);
    const Rows logits = reference_.Logits(tokens);
    for (std::size_t i = 0; i < request.answer.size(); ++i) {
      const double logprob = ReferenceModel::LogSoftmax(
          logits[request.prompt.size() - 1 + i])[static_cast<std::size_t>(request.answer[i])];
      reward += GetParam().second * std::max(logprob, kFloor);
      if (logprob < kFloor) ++lifted;
    }
    return reward;
  }
  Events Run(const SchedulerOptions& options) {
    Scheduler scheduler = std::move(*Scheduler::Create(model_, options));
    for (const RewardRequest& request : ManyAnswers()) {
      EXPECT_TRUE(scheduler.Submit(request).ok());
    }
    return RunAll(scheduler);
  }
};

TEST_P(RewardTest, RewardsAreThoseOfPlainLoopsWhateverTheBatch) {
  Events alone = Run({1, 64 * kBlockBytes, 1});
  Events together = Run({8, 64 * kBlockBytes, 7});
  Events crowded = Run({8, 4 * kBlockBytes, 20});
  int lifted = 0;
  std::size_t tokens = 0;
  for (const RewardRequest& request : ManyAnswers()) {
    const double reward = std::get<RewardResult>(alone[request.id].at(0)).reward;
    EXPECT_NEAR(reward, Expected(request, lifted), 1e-4);
    EXPECT_EQ(std::get<RewardResult>(together[request.id].at(0)).reward, reward);
    EXPECT_EQ(std::get<RewardResult>(crowded[request.id].at(0)).reward, reward);
    tokens += request.answer.size();
  }
  EXPECT_GT(lifted, 0);
  EXPECT_LT(lifted, static_cast<int>(tokens));
}

TEST_P(RewardTest, OnlyRewardsAndEmbeddingsAreAnswered) {
  Scheduler scheduler = std::move(*Scheduler::Create(model_, {8, 64 * kBlockBytes, 20}));
  EXPECT_TRUE(scheduler.Submit(EmbedRequest{"e", {1}}).ok());
  for (const Request& request :
       {Request(GenerateRequest{"a", {1}}), Request(ScoreRequest{"a", {1}, {2}})}) {
    const Status refused = scheduler.Submit(request);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, HasSubstr("is a reward model"));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RewardTest,
                         testing::Values(std::pair(false, 0.0), std::pair(false, 0.3),
                                         std::pair(true, 0.3)));

TEST_F(SchedulerTest, ABatchRunsByItself) {
  const std::vector<GenerateRequest> requests = ManyRequests(20);
  Scheduler scheduler = Make(6, 64);
  ASSERT_TRUE(scheduler.Submit(GenerateRequest{"before", {1, 2, 3}}).ok());
  ASSERT_TRUE(scheduler.Submit(BatchRequest{"batch", requests}).ok());
  ASSERT_TRUE(scheduler.Submit(GenerateRequest{"after", {4, 5}}).ok());
  std::vector<std::string> order;
  while (!scheduler.idle()) {
    scheduler.Step([&](const Event& event) {
      order.push_back(IdOf(event));
      if (order.back() != "batch") return;
      const auto& answers = std::get<BatchResult>(event).answers;
      ASSERT_EQ(answers.size(), requests.size());
      for (std::size_t i = 0; i < answers.size(); ++i) {
        EXPECT_EQ(answers[i].id, requests[i].id);
        EXPECT_EQ(answers[i].tokens.tokens, RunAlone(requests[i]).tokens.tokens);
      }
    });
  }
  EXPECT_THAT(order, ElementsAre("before", "batch", "after"));
}

TEST_F(SchedulerTest, StreamedTokensAreTheAnswer) {
  GenerateRequest request{"a", {1, 2, 3}};
  request.stream = true;
  request.max_new_tokens = 20;
  request.logprobs = 3;
  Scheduler scheduler = Make();
  ASSERT_TRUE(scheduler.Submit(request).ok());
  std::vector<Event> events = RunAll(scheduler)["a"];
  const auto done = std::get<GenerateResult>(events.back());
  events.pop_back();
  Tokens joined;
  for (const Event& event : events) {
    const Tokens& part = std::get<TokensEvent>(event).tokens;
    joined.tokens.insert(joined.tokens.end(), part.tokens.begin(), part.tokens.end());
    joined.logprobs.insert(joined.logprobs.end(), part.logprobs.begin(), part.logprobs.end());
    joined.top.insert(joined.top.end(), part.top.begin(), part.top.end());
  }
  EXPECT_EQ(joined.tokens, done.tokens.tokens);
  EXPECT_EQ(joined.logprobs, done.tokens.logprobs);
  EXPECT_EQ(joined.top, done.tokens.top);
}

TEST_F(SchedulerTest, TextsEndAtStopTokensTheLimitAndTheContext) {
  GenerateRequest request{"a", {1, 2, 3}};
  request.sampling.temperature = 0;
  request.max_new_tokens = 10;
  const std::vector<Token> free = RunAlone(request).tokens.tokens;
  EXPECT_EQ(free.size(), 10U);
  request.stop_tokens = {free[4]};
  const auto first = std::find(free.begin(), free.end(), free[4]);
  const GenerateResult stopped = RunAlone(request);
  EXPECT_EQ(stopped.finish, Finish::kStop);
  EXPECT_EQ(stopped.tokens.tokens, std::vector<Token>(free.begin(), first + 1));
  request.stop_tokens.reset();
  request.max_new_tokens = 1000;
  const GenerateResult full = RunAlone(request);  // the context is 128
  EXPECT_EQ(full.finish, Finish::kLength);
  EXPECT_EQ(full.tokens.tokens.size(), 125U);
}

TEST_F(SchedulerTest, CancelledRequestsKeepWhatTheyHave) {
  Scheduler scheduler = Make(2);
  GenerateRequest request{"a", {1, 2, 3}};
  request.max_new_tokens = 100;
  request.stop_tokens = std::vector<Token>();
  ASSERT_TRUE(scheduler.Submit(request).ok());
  request.id = "b";
  ASSERT_TRUE(scheduler.Submit(request).ok());
  request.id = "waits";
  ASSERT_TRUE(scheduler.Submit(request).ok());
  ASSERT_TRUE(scheduler.Submit(EmbedRequest{"embed", {1}}).ok());
  ASSERT_TRUE(scheduler.Submit(BatchRequest{"batch", {request, request}}).ok());
  EXPECT_FALSE(scheduler.Submit(request).ok()) << "the id is in use";
  const auto none = [](const Event&) { FAIL(); };
  for (int i = 0; i < 5; ++i) scheduler.Step(none);
  std::vector<Event> events;
  for (const char* id : {"a", "waits", "embed", "batch"}) {
    EXPECT_TRUE(scheduler.Cancel(id, [&](const Event& event) { events.push_back(event); }));
  }
  EXPECT_FALSE(scheduler.Cancel("a", none));
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(std::get<GenerateResult>(events[0]).finish, Finish::kCancelled);
  EXPECT_EQ(std::get<GenerateResult>(events[0]).tokens.tokens.size(), 5U);
  EXPECT_EQ(std::get<GenerateResult>(events[1]).tokens.tokens.size(), 0U);
  EXPECT_EQ(std::get<ErrorEvent>(events[2]).message, "cancelled");
  EXPECT_EQ(std::get<BatchResult>(events[3]).answers[1].finish, Finish::kCancelled);
  Events rest = RunAll(scheduler);
  EXPECT_EQ(std::get<GenerateResult>(rest["b"][0]).tokens.tokens.size(), 100U);
  EXPECT_TRUE(scheduler.Submit(request).ok()) << "the id is free again";
}

TEST_F(SchedulerTest, RequestsThatCannotBeAnsweredAreRefused) {
  const std::vector<Token> long_prompt(128, 1);
  EXPECT_THAT(ErrorOf(GenerateRequest{"a", long_prompt}),
              HasSubstr("longer than the context of 128"));
  EXPECT_THAT(ErrorOf(ScoreRequest{"a", long_prompt, {1}}), HasSubstr("context of 128"));
  EXPECT_EQ(ErrorOf(ScoreRequest{"a", {}, {1}}),
            "prompt is empty: the model needs a token to start");
  EXPECT_EQ(ErrorOf(ScoreRequest{"a", {1}, {}}), "answer is empty");
  EXPECT_THAT(ErrorOf(RewardRequest{"a", {1}, {2}}), HasSubstr("no reward model"));
  EXPECT_THAT(ErrorOf(GenerateRequest{"a", {1, 97}}),
              HasSubstr("token 97 is outside the vocabulary"));
  EXPECT_THAT(ErrorOf(EmbedRequest{"a", {-1}}), HasSubstr("token -1 is outside"));
  EXPECT_THAT(ErrorOf(GenerateRequest{"", {1}}), HasSubstr("id is empty"));
  EXPECT_THAT(ErrorOf(GenerateRequest{"a", {1}}, 3), HasSubstr("raise cache_mb"));
  EXPECT_THAT(ErrorOf(BatchRequest{"a", {{"x", {1}}, {"y", {}}}}),
              HasSubstr("requests[1]: prompt"));
  GenerateRequest request{"a", {1}};
  request.sampling.top_p = NAN;
  EXPECT_THAT(ErrorOf(request), HasSubstr("top_p"));
}

}  // namespace
}  // namespace arena::lm
