#include "judge/command_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/parallel.h"
#include "base/temporary_folder.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CommandJudgeTest : public testing::Test {
 protected:
  /// A judge of the shell script; it works in the test's folder.
  Result<std::unique_ptr<Judge>> Make(const std::string& script) {
    std::ofstream(folder_ / "judge.sh") << script;
    options_.command = {"sh", "judge.sh"};
    options_.folder = folder_.path().string();
    return MakeCommandJudge(options_);
  }

  Result<Game> Try(Judge& judge, const std::string& first = "x") {
    const std::vector<std::string> a = {first};
    const std::vector<std::string> b = {"y"};
    return judge.Play({question_, a, b});
  }
  Game Play(Judge& judge, const std::string& first = "x") {
    auto game = Try(judge, first);
    EXPECT_TRUE(game.ok()) << (game.ok() ? "" : game.error().message);
    return std::move(*game);
  }

  const Instruction question_ = MakeInstruction("What?");
  const TemporaryFolder folder_;
  CommandJudgeOptions options_;
};

constexpr const char* kFair =
    "while read -r line; do\n"
    "  case $line in *good*) echo '{\"score_first\": 9, \"score_second\": 2}';;\n"
    "  *) echo '{\"score_first\": 3, \"score_second\": 2, \"explanation\": \"why\"}';; esac\n"
    "done\n";

TEST_F(CommandJudgeTest, ScoresComeFromTheProgram) {
  const auto judge = Make(kFair);
  ASSERT_TRUE(judge.ok()) << judge.error().message;
  EXPECT_EQ(Play(**judge, "good").verdict.score_first, 9);
  const Game game = Play(**judge);
  EXPECT_EQ(game.state, WorkState::kDone);
  EXPECT_EQ(game.verdict.score_first, 3);
  EXPECT_EQ(game.verdict.explanation, "why");
  EXPECT_THAT(game.raw_reply, AllOf(HasSubstr("command"), HasSubstr("score_first")));
}

TEST_F(CommandJudgeTest, TheProgramSeesTheGameAndNoNames) {
  const auto judge = Make(
      "while read -r line; do printf '%s\\n' \"$line\" >> seen; "
      "echo '{\"score_first\":1,\"score_second\":1}'; done\n");
  ASSERT_TRUE(judge.ok());
  Instruction instruction = question_;
  instruction.id = "q1";
  instruction.category = "odd";
  instruction.reference = "r\n2";
  const std::vector<std::string> a = {"one", "two"};
  const std::vector<std::string> b = {"three"};
  ASSERT_TRUE((*judge)->Play({instruction, a, b}).ok());
  std::ifstream in(folder_ / "seen");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(line, R"({"id":1,"instruction":{"conversation":[{"role":"user","content":"What?"}],)"
                  R"("id":"q1","category":"odd","reference":"r\n2"},"first":["one","two"],)"
                  R"("second":["three"]})");
}

TEST_F(CommandJudgeTest, OtherScalesBecomeOneToTen) {
  options_.lowest = 0;
  options_.highest = 1;
  const auto judge = Make(
      "while read -r line; do case $line in *good*) echo "
      "'{\"score_first\":1,\"score_second\":0.5}';;"
      " *) echo '{\"score_first\":1.5,\"score_second\":0}';; esac; done\n");
  ASSERT_TRUE(judge.ok());
  const Game game = Play(**judge, "good");
  EXPECT_DOUBLE_EQ(game.verdict.score_first, 10);
  EXPECT_DOUBLE_EQ(game.verdict.score_second, 5.5);
  const Game out = Play(**judge);
  EXPECT_EQ(out.failure, FailureKind::kUnparsable);
  EXPECT_THAT(out.error, HasSubstr("from 0 to 1"));
}

TEST_F(CommandJudgeTest, WhatIsNoAnswerFailsTheGameAndTheProgramStays) {
  const auto judge = Make(
      "n=0\nwhile read -r line; do n=$((n+1)); case $n in\n"
      "1) echo 'hello';; 2) echo '[]';; 3) echo '{\"score_first\":1}';;\n"
      "4) echo '{\"error\":\"too long\"}';; *) echo '{\"score_first\":2,\"score_second\":1}';;\n"
      "esac; done\n");
  ASSERT_TRUE(judge.ok());
  for (const char* error : {"no JSON object", "no JSON object", "score_second", "says: too long"}) {
    const Game game = Play(**judge);
    EXPECT_EQ(game.failure, FailureKind::kUnparsable);
    EXPECT_THAT(game.error, HasSubstr(error));
  }
  EXPECT_EQ(Play(**judge).state, WorkState::kDone);
}

TEST_F(CommandJudgeTest, AProgramThatEndsIsStartedAgain) {
  const auto judge = Make(
      "read -r line; case $line in *bad*) exit 7;; esac\n"
      "echo '{\"score_first\":2,\"score_second\":1}'; read -r line\n");
  ASSERT_TRUE(judge.ok());
  const Game game = Play(**judge, "bad");
  EXPECT_EQ(game.failure, FailureKind::kApi);
  EXPECT_EQ(game.error, "the judge's command sh: it ended with exit code 7");
  EXPECT_EQ(Play(**judge).state, WorkState::kDone);
  // It reads the next game and ends in order.
  EXPECT_EQ(Play(**judge).failure, FailureKind::kApi);
  EXPECT_EQ(Play(**judge).state, WorkState::kDone);
}

TEST_F(CommandJudgeTest, AProgramThatTakesTooLongIsEnded) {
  options_.timeout = std::chrono::milliseconds(300);
  const auto judge = Make("sleep 1000\n");
  ASSERT_TRUE(judge.ok());
  EXPECT_THAT(Play(**judge).error, HasSubstr("no answer within 0.3 s"));
  // More than a pipe holds, and nobody reads it.
  EXPECT_THAT(Play(**judge, std::string(4'000'000, 'x')).error, HasSubstr("does not read"));
}

TEST_F(CommandJudgeTest, AnAnswerToAnotherGameIsNotTaken) {
  const auto judge =
      Make("while read -r l; do echo '{\"id\":9,\"score_first\":2,\"score_second\":1}'; done");
  ASSERT_TRUE(judge.ok());
  EXPECT_THAT(Play(**judge).error, HasSubstr("it answered game 9 when asked for 1"));
}

TEST_F(CommandJudgeTest, TenFailuresInARowEndTheRun) {
  const auto judge = Make("exit 1\n");
  ASSERT_TRUE(judge.ok());
  for (int i = 0; i < 9; ++i) EXPECT_EQ(Play(**judge).failure, FailureKind::kApi);
  const auto last = Try(**judge);
  ASSERT_FALSE(last.ok());
  EXPECT_THAT(last.error().message, HasSubstr("10th failure in a row; set log"));
}

TEST_F(CommandJudgeTest, WorkersAnswerAtTheSameTime) {
  options_.workers = 4;
  const auto judge = Make(kFair);
  ASSERT_TRUE(judge.ok());
  EXPECT_EQ((*judge)->games_at_once(), 4U);
  std::vector<int> scores(100);
  ParallelFor(scores.size(), 8, [&](std::size_t i) {
    scores[i] = static_cast<int>(Play(**judge, i % 2 == 0 ? "good" : "x").verdict.score_first);
  });
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i], i % 2 == 0 ? 9 : 3);
}

TEST_F(CommandJudgeTest, AnotherScriptIsAnotherJudgeUnlessAVersionSaysOtherwise) {
  const Key key = (*Make(kFair))->identity().key();
  EXPECT_EQ((*Make(kFair))->identity().key(), key);
  EXPECT_NE((*Make("sleep 1\n"))->identity().key(), key);
  options_.version = "1";
  const Key versioned = (*Make(kFair))->identity().key();
  EXPECT_EQ((*Make("sleep 1\n"))->identity().key(), versioned);
  options_.version = "2";
  EXPECT_NE((*Make(kFair))->identity().key(), versioned);
}

TEST_F(CommandJudgeTest, WhatCannotWorkIsAnError) {
  EXPECT_THAT(MakeCommandJudge(options_).error().message, HasSubstr("needs command"));
  options_.command = {"/nowhere/judge"};
  EXPECT_THAT(MakeCommandJudge(options_).error().message, HasSubstr("cannot start /nowhere/judge"));
  options_.lowest = 3;
  options_.highest = 3;
  EXPECT_THAT(MakeCommandJudge(options_).error().message, HasSubstr("lowest score below"));
}

TEST_F(CommandJudgeTest, ItsStandardErrorGoesToTheLog) {
  options_.log_file = folder_ / "log";
  const auto judge = Make("echo started >&2\nread -r line\nexit 3\n");
  ASSERT_TRUE(judge.ok());
  EXPECT_EQ(Play(**judge).failure, FailureKind::kApi);
  std::ifstream in(folder_ / "log");
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "started");
}

}  // namespace
}  // namespace arena
