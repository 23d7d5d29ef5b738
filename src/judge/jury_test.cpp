#include "judge/jury.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "judge/llm_judge.h"
#include "judge/llm_judge_testing.h"
#include "judge/stored_reply.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

/// A member that replies with `text`; "!" is an API failure.
std::unique_ptr<Judge> Member(const std::string& name, const std::string& text,
                              const std::string& form = "pair-scores") {
  LlmJudgeOptions options;
  options.name = name;
  options.repair = false;
  options.templates = *LoadJudgeTemplates(form, "pairwise");
  return *MakeLlmJudge(options, std::make_unique<ScriptedModel>(
                                    [text](const Conversation&, int) {
                                      return text == "!" ? Fails(FailureKind::kApi, "down")
                                                         : Says(text);
                                    },
                                    nullptr));
}

std::unique_ptr<Judge> MakeJuryOf(JuryRule rule, const std::vector<std::string>& replies) {
  std::vector<std::unique_ptr<Judge>> members;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    members.push_back(Member("m" + std::to_string(i), replies[i]));
  }
  JuryOptions options;
  options.rule = rule;
  auto jury = MakeJury(options, std::move(members));
  EXPECT_TRUE(jury.ok());
  return std::move(*jury);
}

Game Play(Judge& judge) {
  const Instruction instruction = MakeInstruction("q");
  const std::vector<std::string> a = {"x"};
  const std::vector<std::string> b = {"y"};
  return *judge.Play({instruction, a, b});
}

Game Decide(JuryRule rule, const std::vector<std::string>& replies) {
  return Play(*MakeJuryOf(rule, replies));
}

TEST(JuryTest, TheMeanIsOverAllMembers) {
  const Game game = Decide(JuryRule::kMean, {"[[8, 2]]", "[[4, 6]]", "[[9, 4]]"});
  EXPECT_EQ(game.state, WorkState::kDone);
  EXPECT_DOUBLE_EQ(game.verdict.score_first, 7);
  EXPECT_DOUBLE_EQ(game.verdict.score_second, 4);
  EXPECT_THAT(game.verdict.explanation,
              HasSubstr("Mean of the jury: 2 for the first, 1 for the second, 0 for a tie.\n"
                        "m0: 8 to 2\nm1: 4 to 6\nm2: 9 to 4\n"));
  EXPECT_EQ(game.usage.prompt_tokens, 30);
}

TEST(JuryTest, TheMajoritysScoresCount) {
  const Game game = Decide(JuryRule::kMajority, {"[[8, 2]]", "[[1, 10]]", "[[6, 4]]"});
  EXPECT_DOUBLE_EQ(game.verdict.score_first, 7);
  EXPECT_DOUBLE_EQ(game.verdict.score_second, 3);
  const Game tie = Decide(JuryRule::kMajority, {"[[5, 5]]", "[[1, 10]]", "[[6, 6]]"});
  EXPECT_DOUBLE_EQ(tie.verdict.score_first, 5.5);
}

TEST(JuryTest, AJuryWithoutMajoritySaysTieAndSaysWhy) {
  const Game game = Decide(JuryRule::kMajority, {"[[8, 2]]", "[[1, 10]]", "[[6, 6]]"});
  EXPECT_EQ(game.state, WorkState::kDone);
  EXPECT_EQ(game.verdict.score_first, game.verdict.score_second);
  EXPECT_THAT(game.verdict.explanation, HasSubstr("No majority of the jury, so a tie: 1 for the "
                                                  "first, 1 for the second, 1 for a tie"));
}

TEST(JuryTest, MoreThanHalfOfTheMembersMustHaveAVerdict) {
  const Game game = Decide(JuryRule::kMean, {"[[8, 2]]", "?", "[[6, 2]]"});
  EXPECT_EQ(game.state, WorkState::kDone);
  EXPECT_DOUBLE_EQ(game.verdict.score_first, 7);
  EXPECT_THAT(game.verdict.explanation, HasSubstr("m1: failed (no verdict"));
  const Game failed = Decide(JuryRule::kMean, {"[[8, 2]]", "?"});
  EXPECT_EQ(failed.state, WorkState::kFailed);
  EXPECT_EQ(failed.failure, FailureKind::kUnparsable);
  EXPECT_THAT(failed.error, HasSubstr("1 of 2 members have a verdict; m1: no verdict"));
  const Game down = Decide(JuryRule::kMean, {"[[8, 2]]", "!", "[[6, 2]]"});
  EXPECT_EQ(down.failure, FailureKind::kApi);
}

TEST(JuryTest, WhatEachMemberSaidIsKept) {
  const Game game = Decide(JuryRule::kMajority, {"[[8, 2]]", "?", "[[6, 2]]"});
  const auto raw = ParseJson(game.raw_reply);
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw->at("rule"), "majority");
  EXPECT_EQ(raw->at("members")[0].at("score_first"), 8);
  EXPECT_EQ(raw->at("members")[1].at("failure"), "unparsable");
  EXPECT_EQ(raw->at("members")[2].at("raw_reply").at("samples")[0][0].at("replies")[0].at("text"),
            "[[6, 2]]");
  const auto opinions = ReadOpinions(game, VerdictReading::kTolerant);
  ASSERT_TRUE(opinions.ok());
  EXPECT_EQ(opinions->members, (std::vector<SeatScores>{{8, 2}, {6, 2}}));
}

TEST(JuryTest, StoredVoicesAreReadAgain) {
  const Game game = Decide(JuryRule::kMean, {"[[8, 2]]", "Scores: 4, 6"});
  EXPECT_EQ(game.verdict.score_first, 6);
  const auto strict = ReadStoredReply(game, VerdictReading::kStrict);
  ASSERT_TRUE(strict.ok() && strict->has_value());
  EXPECT_EQ((*strict)->failure, FailureKind::kUnparsable);
  const auto again = ReadStoredReply(**strict, VerdictReading::kTolerant);
  ASSERT_TRUE(again.ok() && again->has_value());
  EXPECT_EQ((*again)->verdict.score_first, 6);
  EXPECT_EQ((*again)->verdict.explanation, game.verdict.explanation);
}

TEST(JuryTest, ItsKeyIsOfTheRuleAndTheMembers) {
  const auto key = [](JuryRule rule, const std::vector<std::string>& forms) {
    std::vector<std::unique_ptr<Judge>> members;
    for (const std::string& form : forms) members.push_back(Member(form, "", form));
    JuryOptions options;
    options.rule = rule;
    return (*MakeJury(options, std::move(members)))->identity().key();
  };
  const Key mean = key(JuryRule::kMean, {"pair-scores", "pair-grades"});
  EXPECT_EQ(mean, key(JuryRule::kMean, {"pair-scores", "pair-grades"}));
  EXPECT_NE(mean, key(JuryRule::kMajority, {"pair-scores", "pair-grades"}));
  EXPECT_NE(mean, key(JuryRule::kMean, {"pair-scores", "pair-verdict"}));
}

TEST(JuryTest, OneMemberOrTwoOfOneNameAreNoJury) {
  std::vector<std::unique_ptr<Judge>> members;
  members.push_back(Member("x", ""));
  EXPECT_THAT(MakeJury({}, std::move(members)).error().message, HasSubstr("two members or more"));
  members.clear();
  members.push_back(Member("x", ""));
  members.push_back(Member("x", ""));
  EXPECT_THAT(MakeJury({}, std::move(members)).error().message, HasSubstr("named \"x\""));
}

}  // namespace
}  // namespace arena
