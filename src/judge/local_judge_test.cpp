// With the real arena-lm beside this program.
#include "judge/local_judge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "chat/local_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using Turns = std::vector<std::string>;

class LocalJudgeTest : public ::testing::TestWithParam<LocalScore> {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    WriteModel("model", 7);
    // Stands in for arena-lm and keeps a copy of what it is asked.
    const std::filesystem::path program = *folder_ / "listening";
    testing::Write(program, fmt::format("#!/bin/sh\ntee -a {} | {}/libexec/arena-lm\n",
                                        *folder_ / "requests", ProgramFolder()));
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  /// A language model and a reward model of that name.
  static void WriteModel(const std::string& name, std::uint64_t seed) {
    testing::WriteSmallModel(*folder_ / name, seed);
    testing::WriteSmallRewardModel(*folder_ / (name + "-reward"), seed);
  }
  /// The one of them that fits the kind of judge.
  static std::string Model(const std::string& name) {
    return *folder_ / (GetParam() == LocalScore::kReward ? name + "-reward" : name);
  }
  void SetUp() override {
    std::filesystem::remove(*folder_ / "requests");
    LocalJudgeOptions options;
    options.score = GetParam();
    options.model = testing::SmallOptions(Model("model"));
    options.model.pool.program = *folder_ / "listening";
    auto judge = MakeLocalJudge(options);
    ASSERT_TRUE(judge.ok()) << judge.error().message;
    judge_ = std::move(*judge);
  }

  Game Play(const Instruction& instruction, const Turns& first, const Turns& second) const {
    auto game = judge_->Play({instruction, first, second});
    EXPECT_TRUE(game.ok()) << game.error().message;
    return game.value_or(Game());
  }
  /// Scores that were asked of arena-lm.
  static int Asked() {
    const std::string requests = ReadFile(*folder_ / "requests").value_or("");
    const std::string type =
        GetParam() == LocalScore::kReward ? "\"type\":\"reward\"" : "\"type\":\"score\"";
    int count = 0;
    for (std::size_t at = requests.find(type); at != std::string::npos;
         at = requests.find(type, at + 1)) {
      ++count;
    }
    return count;
  }
  /// The same once there are `expected`, or after a while: what records the requests may be slower
  /// than the answers.
  static int AskedAfter(int expected) {
    for (int i = 0; i < 500 && Asked() < expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Asked();
  }
  /// Of each answer.
  static int ScoresPerAnswer() { return GetParam() == LocalScore::kSingleScore ? 10 : 1; }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  std::unique_ptr<Judge> judge_;
};

TEST_P(LocalJudgeTest, ScoresLieInRangeAndDoNotDependOnTheSeat) {
  const Instruction instruction = MakeInstruction("What is two and two?");
  const Game game = Play(instruction, {"Four."}, {"Certainly not five."});
  ASSERT_EQ(game.state, WorkState::kDone) << game.error;
  for (const double score : {game.verdict.score_first, game.verdict.score_second}) {
    EXPECT_GE(score, 1);
    EXPECT_LE(score, 10);
  }
  EXPECT_NE(game.verdict.score_first, game.verdict.score_second);
  const Game swapped = Play(instruction, {"Certainly not five."}, {"Four."});
  EXPECT_EQ(swapped.verdict.score_first, game.verdict.score_second);
  EXPECT_EQ(swapped.verdict.score_second, game.verdict.score_first);
  const Game equal = Play(instruction, {"Four."}, {"Four."});
  EXPECT_EQ(equal.verdict.score_first, equal.verdict.score_second);
}

TEST_P(LocalJudgeTest, AnAnswerIsScoredOnce) {
  const Instruction instruction = MakeInstruction("What is two and two?");
  Play(instruction, {"Four."}, {"Five."});
  EXPECT_EQ(AskedAfter(2 * ScoresPerAnswer()), 2 * ScoresPerAnswer());
  Play(instruction, {"Five."}, {"Four."});
  Play(instruction, {"Four."}, {"Four."});
  EXPECT_EQ(AskedAfter(2 * ScoresPerAnswer()), 2 * ScoresPerAnswer());
  Play(instruction, {"Four."}, {"Six."});
  EXPECT_EQ(AskedAfter(3 * ScoresPerAnswer()), 3 * ScoresPerAnswer());
  // Another instruction is another question.
  Play(MakeInstruction("And three?"), {"Four."}, {"Five."});
  EXPECT_EQ(AskedAfter(5 * ScoresPerAnswer()), 5 * ScoresPerAnswer());
}

TEST_P(LocalJudgeTest, AnAnswerIsScoredOnceThoughManyGamesWantItAtOnce) {
  const Instruction instruction = MakeInstruction("What is two and two?");
  std::vector<std::thread> threads;
  std::vector<Game> games(16);
  for (std::size_t i = 0; i < games.size(); ++i) {
    threads.emplace_back([&, i] {
      games[i] = i % 2 == 0 ? Play(instruction, {"Four."}, {"Five."})
                            : Play(instruction, {"Five."}, {"Four."});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(AskedAfter(2 * ScoresPerAnswer()), 2 * ScoresPerAnswer());
  for (std::size_t i = 1; i < games.size(); ++i) {
    const Verdict& verdict = games[i].verdict;
    EXPECT_EQ(i % 2 == 0 ? verdict.score_first : verdict.score_second,
              games[0].verdict.score_first);
  }
}

TEST_P(LocalJudgeTest, AnAnswerBeyondTheContextIsAFailedGame) {
  const Instruction instruction = MakeInstruction("What is two and two?");
  const Game game = Play(instruction, {"Four."}, {std::string(600, 'x')});
  EXPECT_EQ(game.state, WorkState::kFailed);
  EXPECT_EQ(game.failure, FailureKind::kApi);
  EXPECT_THAT(game.error, HasSubstr("context"));
  // The worker lives on.
  EXPECT_EQ(Play(instruction, {"Four."}, {"Five."}).state, WorkState::kDone);
}

TEST_P(LocalJudgeTest, TheIdentityNamesKindAndCheckpoint) {
  EXPECT_THAT(judge_->identity().behaviour,
              HasSubstr(fmt::format("\"kind\":\"{}\"", LocalScoreName(GetParam()))));
  LocalJudgeOptions options;
  options.score = GetParam();
  const std::string name(LocalScoreName(GetParam()));
  WriteModel(name, 8);
  options.model = testing::SmallOptions(Model(name));
  auto other = MakeLocalJudge(options);
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_NE((*other)->identity().key(), judge_->identity().key());
  EXPECT_EQ(ParseLocalScore(LocalScoreName(GetParam())), GetParam());
  EXPECT_EQ(ParseLocalScore("other"), std::nullopt);
}

TEST_P(LocalJudgeTest, ACheckpointOfTheOtherKindIsRefused) {
  LocalJudgeOptions options;
  options.score = GetParam();
  const bool is_reward = GetParam() == LocalScore::kReward;
  options.model = testing::SmallOptions(*folder_ / (is_reward ? "model" : "model-reward"));
  const auto judge = MakeLocalJudge(options);
  ASSERT_FALSE(judge.ok());
  EXPECT_THAT(judge.error().message, HasSubstr(is_reward ? "no reward model" : "a reward model"));
  EXPECT_THAT(judge.error().message, HasSubstr(std::string(LocalScoreName(GetParam()))));
}

INSTANTIATE_TEST_SUITE_P(Kinds, LocalJudgeTest,
                         ::testing::Values(LocalScore::kLogprob, LocalScore::kSingleScore,
                                           LocalScore::kReward),
                         [](const auto& kind) {
                           return kind.param == LocalScore::kLogprob       ? "Logprob"
                                  : kind.param == LocalScore::kSingleScore ? "SingleScore"
                                                                           : "Reward";
                         });

using LogprobJudgeTest = LocalJudgeTest;

TEST_P(LogprobJudgeTest, TheScoreIsThatOfTheMeanLogProbabilityInTheConversation) {
  const auto model = testing::MustLoad(testing::SmallOptions(*folder_ / "model"));
  const auto expected = [&](const Conversation& before, const std::string& answer) {
    const auto logprobs = model->ScoreAnswer(before, answer).value();
    const double sum = std::accumulate(logprobs.begin(), logprobs.end(), 0.0);
    return 1 + 9 * std::exp(sum / static_cast<double>(logprobs.size()));
  };
  Instruction instruction;
  instruction.conversation = {
      {Role::kSystem, "Count."}, {Role::kUser, "One?"}, {Role::kUser, "Two?"}};
  instruction.key = ConversationKey(instruction.conversation);
  const Game game = Play(instruction, {"1", "2"}, {"one", "two, of course"});
  const auto before = [](const std::string& turn) {
    return Conversation{{Role::kSystem, "Count."},
                        {Role::kUser, "One?"},
                        {Role::kAssistant, turn},
                        {Role::kUser, "Two?"}};
  };
  EXPECT_NEAR(game.verdict.score_first, expected(before("1"), "2"), 1e-5);
  EXPECT_NEAR(game.verdict.score_second, expected(before("one"), "two, of course"), 1e-5);
  // Turns that the instruction answers itself stay where they are.
  instruction.conversation = {
      {Role::kUser, "One?"}, {Role::kAssistant, "1"}, {Role::kUser, "Two?"}};
  instruction.key = ConversationKey(instruction.conversation);
  EXPECT_NEAR(Play(instruction, {"2"}, {"3"}).verdict.score_first,
              expected(instruction.conversation, "2"), 1e-5);
}

using RewardJudgeTest = LocalJudgeTest;

TEST_P(RewardJudgeTest, ScoresAreTheBradleyTerryProbabilitiesOfTheRewards) {
  const auto model = testing::MustLoad(testing::SmallOptions(Model("model")));
  const Instruction instruction = MakeInstruction("What is two and two?");
  const double first = model->RewardAnswer(instruction.conversation, "Four.").value();
  const double second = model->RewardAnswer(instruction.conversation, "No.").value();
  const Game game = Play(instruction, {"Four."}, {"No."});
  const double probability = std::exp(first) / (std::exp(first) + std::exp(second));
  EXPECT_NEAR(game.verdict.score_first, 1 + 9 * probability, 1e-9);
  EXPECT_NEAR(game.verdict.score_second, 1 + 9 * (1 - probability), 1e-9);
  EXPECT_EQ(game.verdict.explanation,
            fmt::format("First: reward {:.4f}. Second: reward {:.4f}.", first, second));
  EXPECT_EQ(Play(instruction, {"No."}, {"No."}).verdict.score_first, 5.5);
}

INSTANTIATE_TEST_SUITE_P(Reward, RewardJudgeTest, ::testing::Values(LocalScore::kReward));

INSTANTIATE_TEST_SUITE_P(Logprob, LogprobJudgeTest, ::testing::Values(LocalScore::kLogprob));

}  // namespace
}  // namespace arena
