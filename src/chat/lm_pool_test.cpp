// With the real arena-lm beside this program, and with scripts that misbehave in its place.
#include "chat/lm_pool.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/child_process.h"
#include "base/temporary_folder.h"
#include "checkpoint/new_model.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class LmPoolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    temporary_ = std::make_unique<TemporaryFolder>();
    folder_ = temporary_->path();
    ModelConfig config = ShapeConfig(ModelShape::kMini, 300);
    ASSERT_TRUE(NewModel(config, 7, folder_ / "model").ok());
  }
  static void TearDownTestSuite() { temporary_.reset(); }

  static LmPoolOptions Options(unsigned workers) {
    LmPoolOptions options;
    options.model = folder_ / "model";
    options.workers = workers;
    options.precision = "f32";
    options.cache_mb = 16;
    options.max_batch = 8;
    return options;
  }

  static std::unique_ptr<LmPool> StartPool(const LmPoolOptions& options) {
    auto pool = LmPool::Start(options);
    EXPECT_TRUE(pool.ok()) << pool.error().message;
    return pool.ok() ? std::move(*pool) : nullptr;
  }

  static Generation MakeGeneration(int i, std::int64_t tokens = 40) {
    Generation generation;
    for (int k = 0; k < 3 + i % 5; ++k) generation.prompt.push_back((17 * i + 31 * k) % 300);
    generation.max_new_tokens = tokens;
    generation.sampling.temperature = 1;
    generation.sampling.seed = static_cast<std::uint64_t>(i);
    generation.stop_tokens.emplace();
    return generation;
  }

  // An executable script that stands in for arena-lm.
  static std::string Script(const std::string& name, const std::string& body) {
    const auto path = folder_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << body;
    ::chmod(path.c_str(), 0755);
    return path.string();
  }

  static inline std::unique_ptr<TemporaryFolder> temporary_;
  static inline std::filesystem::path folder_;
};

using Answer = Result<GeneratedAnswer>;

std::vector<std::future<Answer>> AskAll(LmPool& pool, const std::vector<Generation>& generations) {
  std::vector<std::future<Answer>> answers;
  for (const Generation& generation : generations) {
    auto promise = std::make_shared<std::promise<Answer>>();
    answers.push_back(promise->get_future());
    pool.Generate(generation, [promise](Answer answer) { promise->set_value(std::move(answer)); });
  }
  return answers;
}

TEST_F(LmPoolTest, AnswersManyRequestsAndEachIsItsOwn) {
  const auto pool = StartPool(Options(2));
  ASSERT_NE(pool, nullptr);
  EXPECT_EQ(pool->model().vocabulary, 300);
  EXPECT_EQ(pool->model().precision, "f32");
  std::vector<Generation> generations;
  for (int i = 0; i < 60; ++i) generations.push_back(MakeGeneration(i));
  auto first = AskAll(*pool, generations);
  auto second = AskAll(*pool, generations);
  int differing = 0;
  for (int i = 0; i < 60; ++i) {
    const Answer x = first[static_cast<std::size_t>(i)].get();
    const Answer y = second[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(x.ok()) << x.error().message;
    EXPECT_EQ(x->tokens.tokens.size(), 40U);
    EXPECT_EQ(x->end, GenerationEnd::kLength);
    differing += x->tokens.tokens != y->tokens.tokens ? 1 : 0;
  }
  // Batch mates change last bits, and so now and then a sampled token.
  EXPECT_LE(differing, 3);
  EXPECT_EQ(pool->counts().finished, 120);
  EXPECT_EQ(pool->counts().waiting, 0);
}

TEST_F(LmPoolTest, KilledWorkersAreReplacedAndNothingIsLost) {
  const auto pool = StartPool(Options(2));
  ASSERT_NE(pool, nullptr);
  std::vector<Generation> generations;
  for (int i = 0; i < 40; ++i) generations.push_back(MakeGeneration(i, 400));
  auto answers = AskAll(*pool, generations);
  ASSERT_GT(pool->counts().waiting, 0);
  for (const int pid : pool->pids()) ASSERT_EQ(::kill(pid, SIGKILL), 0);
  for (auto& future : answers) {
    const Answer answer = future.get();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->tokens.tokens.size(), 400U);
  }
  EXPECT_EQ(pool->counts().restarts, 2);
}

TEST_F(LmPoolTest, AWorkerThatStallsIsReplaced) {
  LmPoolOptions options = Options(1);
  options.stall_limit = seconds(1);
  const auto pool = StartPool(options);
  ASSERT_NE(pool, nullptr);
  ASSERT_EQ(::kill(pool->pids()[0], SIGSTOP), 0);
  auto answers = AskAll(*pool, {MakeGeneration(1)});
  const Answer answer = answers[0].get();
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(pool->counts().restarts, 1);
}

TEST_F(LmPoolTest, AWorkerThatAnswersGarbageIsReplaced) {
  LmPoolOptions options = Options(1);
  const std::string real = ProgramFolder() + "/libexec/arena-lm";
  const std::string marker = (folder_ / "was-here").string();
  options.program = Script(
      "garbage", fmt::format("if [ -e {0} ]; then exec {1}; fi\ntouch {0}\nread hello\n"
                             "echo '{{\"type\":\"ready\",\"protocol\":1,\"precision\":\"f32\","
                             "\"context\":9,\"vocabulary\":300,\"parameters\":1,\"eos\":[]}}'\n"
                             "read request\necho 'segmentation fault ahead'\nsleep 60\n",
                             marker, real));
  const auto pool = StartPool(options);
  ASSERT_NE(pool, nullptr);
  const Answer answer = AskAll(*pool, {MakeGeneration(1)})[0].get();
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(pool->counts().restarts, 1);
}

TEST_F(LmPoolTest, ARequestThatKillsEveryWorkerFailsAndSaysWhy) {
  LmPoolOptions options = Options(1);
  options.program = Script("dies",
                           "read hello\n"
                           "echo '{\"type\":\"ready\",\"protocol\":1,\"precision\":\"f32\","
                           "\"context\":9,\"vocabulary\":300,\"parameters\":1,\"eos\":[]}'\n"
                           "read request\nexit 3\n");
  const auto pool = StartPool(options);
  ASSERT_NE(pool, nullptr);
  const Answer answer = AskAll(*pool, {MakeGeneration(1)})[0].get();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("3 workers failed"));
  EXPECT_THAT(answer.error().message, HasSubstr("exit code 3"));
}

TEST_F(LmPoolTest, WhatCannotStartSaysWhy) {
  LmPoolOptions options = Options(2);
  options.program = "/nonexistent/arena-lm";
  EXPECT_THAT(LmPool::Start(options).error().message, HasSubstr("/nonexistent/arena-lm"));
  options = Options(2);
  options.model = folder_ / "no-model";
  EXPECT_THAT(LmPool::Start(options).error().message, HasSubstr("no-model"));
  options = Options(1);
  options.program = Script("silent", "exit 0\n");
  EXPECT_FALSE(LmPool::Start(options).ok());
}

TEST_F(LmPoolTest, StreamsTheTokensOfTheAnswerAlsoAcrossAKill) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  Generation generation = MakeGeneration(5, 480);
  generation.sampling.temperature = 0;
  std::mutex mutex;
  std::vector<TokenId> streamed;
  std::promise<void> some;
  std::promise<Answer> done;
  pool->Generate(
      generation, [&](Answer answer) { done.set_value(std::move(answer)); },
      [&](const GeneratedTokens& more) {
        const std::lock_guard lock(mutex);
        if (streamed.size() < 20 && streamed.size() + more.tokens.size() >= 20) some.set_value();
        streamed.insert(streamed.end(), more.tokens.begin(), more.tokens.end());
      });
  some.get_future().wait();
  ::kill(pool->pids()[0], SIGKILL);
  const Answer answer = done.get_future().get();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const std::lock_guard lock(mutex);
  EXPECT_EQ(streamed, answer->tokens.tokens);
}

TEST_F(LmPoolTest, ACancelledAnswerEndsWithWhatItHas) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  std::promise<Answer> done;
  std::promise<void> some;
  bool told = false;
  const LmPool::Id id = pool->Generate(
      MakeGeneration(3, 500), [&](Answer answer) { done.set_value(std::move(answer)); },
      [&](const GeneratedTokens&) {
        if (!told) some.set_value();
        told = true;
      });
  some.get_future().wait();
  pool->Cancel(id);
  const Answer answer = done.get_future().get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->end, GenerationEnd::kCancelled);
  EXPECT_LT(answer->tokens.tokens.size(), 500U);
}

TEST_F(LmPoolTest, ACancellationOutlivesTheWorkerThatHadIt) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  ASSERT_EQ(::kill(pool->pids()[0], SIGSTOP), 0);
  std::promise<Answer> done;
  const LmPool::Id id = pool->Generate(MakeGeneration(3, 500),
                                       [&](Answer answer) { done.set_value(std::move(answer)); });
  pool->Cancel(id);
  ASSERT_EQ(::kill(pool->pids()[0], SIGKILL), 0);
  const Answer answer = done.get_future().get();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->end, GenerationEnd::kCancelled);
}

TEST_F(LmPoolTest, BadRequestsFailAlone) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  Generation outside = MakeGeneration(1);
  outside.prompt = {5, 300};
  Generation too_long = MakeGeneration(1);
  too_long.prompt.assign(5000, 1);
  auto answers = AskAll(*pool, {outside, MakeGeneration(2), too_long});
  EXPECT_FALSE(answers[0].get().ok());
  EXPECT_TRUE(answers[1].get().ok());
  EXPECT_THAT(answers[2].get().error().message, HasSubstr("context"));
  EXPECT_EQ(pool->counts().restarts, 0);
}

TEST_F(LmPoolTest, ScoresAgreeWithTheGeneratedLogProbabilities) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  Generation generation = MakeGeneration(4, 20);
  generation.logprobs = 2;
  const Answer answer = AskAll(*pool, {generation})[0].get();
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->tokens.logprobs.size(), 20U);
  ASSERT_EQ(answer->tokens.top.size(), 20U);
  EXPECT_EQ(answer->tokens.top[0].size(), 2U);
  std::promise<Result<std::vector<float>>> scored;
  pool->Score(generation.prompt, answer->tokens.tokens,
              [&](Result<std::vector<float>> values) { scored.set_value(std::move(values)); });
  const auto scores = scored.get_future().get();
  ASSERT_TRUE(scores.ok());
  ASSERT_EQ(scores->size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_NEAR((*scores)[i], answer->tokens.logprobs[i], 1e-4);
  }
}

TEST_F(LmPoolTest, TheSameBatchGivesTheSameBits) {
  const auto pool = StartPool(Options(1));
  ASSERT_NE(pool, nullptr);
  std::vector<Generation> generations;
  for (int i = 0; i < 6; ++i) generations.push_back(MakeGeneration(i, 60));
  const auto ask = [&] {
    auto promise = std::make_shared<std::promise<std::vector<std::vector<TokenId>>>>();
    auto future = promise->get_future();
    pool->Batch(generations, [promise](Result<std::vector<Answer>> answers) {
      std::vector<std::vector<TokenId>> tokens;
      for (const Answer& answer : answers.value()) tokens.push_back(answer.value().tokens.tokens);
      promise->set_value(std::move(tokens));
    });
    return future;
  };
  const auto alone = ask().get();
  auto others = AskAll(*pool, {MakeGeneration(70, 100), MakeGeneration(71, 100)});
  const auto among_others = ask().get();
  EXPECT_EQ(alone, among_others);
  ASSERT_EQ(alone.size(), 6U);
  for (auto& other : others) EXPECT_TRUE(other.get().ok());
}

TEST_F(LmPoolTest, ClosingThePoolFailsWhatIsOpen) {
  std::vector<std::future<Answer>> answers;
  {
    const auto pool = StartPool(Options(1));
    ASSERT_NE(pool, nullptr);
    answers = AskAll(*pool, {MakeGeneration(1, 500), MakeGeneration(2, 500)});
  }
  for (auto& answer : answers) {
    const Answer got = answer.get();
    EXPECT_TRUE(got.ok() || got.error().message.find("closed") != std::string::npos);
  }
}

}  // namespace
}  // namespace arena
