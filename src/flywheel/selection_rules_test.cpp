// Which battles the rules select, each rule alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "flywheel/selection_testing.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<Json> Lines(const std::string& text) {
  std::vector<Json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(ParseJson(line).value_or(Json()));
  }
  return rows;
}

class RulesTest : public SelectionTest {
 protected:
  RulesTest() { settings_.target = "target"; }

  // The answers (chosen ones) of all rows.
  std::vector<std::string> Answers(const SelectionInputs& inputs = {}) {
    card_ = MustSelect(settings_, inputs);
    std::vector<std::string> answers;
    for (const Json& row : Lines(Text(".jsonl"))) {
      if (row.contains("messages")) {
        answers.push_back(row["messages"].back()["content"]);
      } else if (row.contains("completion")) {
        answers.push_back(row["completion"][0]["content"]);
      } else if (row.contains("chosen")) {
        answers.push_back(row["chosen"].back()["content"]);
      }
    }
    return answers;
  }

  // The reasons of the last selection that dropped something.
  std::map<std::string, std::int64_t> Dropped() const {
    std::map<std::string, std::int64_t> reasons;
    for (const auto& [reason, count] : card_.dropped) {
      if (count > 0) reasons[reason] = count;
    }
    return reasons;
  }
  using Reasons = std::map<std::string, std::int64_t>;

  void SetKind(TrainingKind kind) {
    settings_.kind = kind;
    settings_.format = DefaultTrainerFormat(kind);
  }

  SelectionSettings settings_;
  DataCard card_;
};

TEST_F(RulesTest, SftTakesTheRivalsAnswerWhereTheTargetLoses) {
  PutSimple("lost", 4, "strong", 9);
  PutSimple("won", 9, "strong", 4);
  PutSimple("tied", 7, "strong", 7);
  EXPECT_THAT(Answers(), ElementsAre("strong on lost"));
  EXPECT_EQ(Dropped(), (Reasons{{"target-won", 1}, {"tie", 1}}));
  EXPECT_EQ(card_.battles, 3);
  EXPECT_EQ(card_.instructions_selected, 1);
}

TEST_F(RulesTest, TheMeanOfBothGamesMustBeMoreThanKAhead) {
  // Means 7 and 6.5, then 7 and 6.
  PutBattle(Question("half"), {"target", {"t"}, {6, 7}}, {"strong", {"s"}, {7, 7}});
  PutBattle(Question("one"), {"target", {"t"}, {5, 7}}, {"strong", {"s"}, {8, 6}});
  settings_.k = 0.5;
  EXPECT_EQ(Answers().size(), 1U);
  EXPECT_EQ(Dropped(), (Reasons{{"gap", 1}}));
  settings_.k = 0.4;
  EXPECT_EQ(Answers().size(), 2U);
  settings_.k = 1;
  EXPECT_EQ(Answers().size(), 0U);
}

TEST_F(RulesTest, TheBestRivalOrEach) {
  PutSimple("q", 4, "good", 7);
  PutSimple("q", 4, "best", 9);
  PutSimple("q", 4, "weak", 2);
  EXPECT_THAT(Answers(), ElementsAre("best on q"));
  EXPECT_EQ(Dropped(), (Reasons{{"not-best", 1}, {"target-won", 1}}));
  settings_.rival_choice = RivalChoice::kEach;
  EXPECT_THAT(Answers(), UnorderedElementsAre("best on q", "good on q"));
  settings_.rivals = {"good"};
  EXPECT_THAT(Answers(), ElementsAre("good on q"));
  EXPECT_EQ(card_.battles, 1);
}

TEST_F(RulesTest, EqualRowsOfTwoRivalsAreWrittenOnce) {
  PutBattle(Question("q"), {"target", {"t"}, {4, 4}}, {"one", {"same"}, {9, 9}});
  PutBattle(Question("q"), {"target", {"t"}, {4, 4}}, {"two", {"same"}, {8, 8}});
  settings_.rival_choice = RivalChoice::kEach;
  EXPECT_THAT(Answers(), ElementsAre("same"));
  EXPECT_EQ(Dropped(), (Reasons{{"duplicate", 1}}));
}

TEST_F(RulesTest, BothBadAndLowScoresAreDropped) {
  PutSimple("both bad", 1, "strong", 3.5);
  PutSimple("poor winner", 1, "strong", 5);
  PutSimple("good", 1, "strong", 6);
  EXPECT_THAT(Answers(), UnorderedElementsAre("strong on poor winner", "strong on good"));
  EXPECT_EQ(Dropped(), (Reasons{{"both-bad", 1}}));
  settings_.min_score = 6;
  EXPECT_THAT(Answers(), ElementsAre("strong on good"));
  EXPECT_EQ(Dropped(), (Reasons{{"both-bad", 1}, {"low-score", 1}}));
  settings_.floor = 0;
  settings_.min_score = 0;
  EXPECT_EQ(Answers().size(), 3U);
}

TEST_F(RulesTest, GamesThatNameOppositeWinnersAreADisagreement) {
  PutBattle(Question("flip"), {"target", {"t"}, {8, 2}}, {"strong", {"s"}, {7, 9}});
  PutBattle(Question("half"), {"target", {"t"}, {7, 2}}, {"strong", {"s"}, {7, 9}});
  EXPECT_EQ(Answers().size(), 2U);
  settings_.disagreement = DisagreementRule::kExclude;
  EXPECT_EQ(Answers().size(), 1U) << "a tie and a win do not contradict each other";
  EXPECT_EQ(Dropped(), (Reasons{{"disagreement", 1}}));
  settings_.disagreement = DisagreementRule::kDownWeight;
  settings_.disagreement_weight = 0;
  EXPECT_EQ(Answers().size(), 1U);
  settings_.disagreement_weight = 1;
  EXPECT_EQ(Answers().size(), 2U);
}

TEST_F(RulesTest, DownWeightKeepsTheShareOfDisagreements) {
  constexpr int kBattles = 200;
  for (int i = 0; i < kBattles; ++i) {
    PutBattle(Question("flip " + std::to_string(i)), {"target", {"t"}, {8, 2}},
              {"strong", {"s"}, {7, 9}});
  }
  settings_.disagreement = DisagreementRule::kDownWeight;
  settings_.disagreement_weight = 0.3;
  const auto kept = Answers().size();
  // 60 +- 4 standard deviations of 6.5.
  EXPECT_GT(kept, 34U);
  EXPECT_LT(kept, 86U);
  settings_.seed = 2;
  const std::string one = Text(".jsonl");
  MustSelect(settings_);
  EXPECT_NE(Text(".jsonl"), one) << "another seed draws others";
}

TEST_F(RulesTest, VoidMissingAndCutAnswersAreDropped) {
  PutBattle(Question("void"), {"target", {"t"}, {4, -1}}, {"strong", {"s"}, {9, -1}});
  PutBattle(Question("no text"), {"target", {"t"}, {4, 4}}, {"strong", {""}, {9, 9}});
  finish_reason_ = "length";
  PutSimple("cut", 4, "strong", 9);
  EXPECT_EQ(Answers().size(), 0U);
  EXPECT_EQ(Dropped(), (Reasons{{"void", 1}, {"missing-text", 1}, {"cut-answer", 1}}));
}

TEST_F(RulesTest, ALoserThatWasCutIsMarkedWhereTheFormatCanSayIt) {
  finish_reason_ = "length";
  const Instruction question = Question("q");
  PutAnswer(question, {"target", {"t"}});
  finish_reason_ = "stop";
  PutBattle(question, {"target", {"t"}, {4, 4}}, {"strong", {"s"}, {9, 9}});
  SetKind(TrainingKind::kDpo);
  EXPECT_THAT(Answers(), ElementsAre("s"));
  EXPECT_EQ(Lines(Text(".jsonl"))[0]["rejected"][0]["cut"], true);
  settings_.format = TrainerFormat::kAlpaca;
  MustSelect(settings_);
  EXPECT_THAT(Text(".dropped.jsonl"), HasSubstr("cut-answer"));
  SetKind(TrainingKind::kSft);
  EXPECT_THAT(Answers(), ElementsAre("s")) << "the loser's answer is not learned";
}

TEST_F(RulesTest, PairsAreOfLossesOfTheTargetOrOfAll) {
  PutSimple("lost", 4, "strong", 9);
  PutSimple("won", 9, "weak", 4);
  PutBattle(Question("others"), {"weak", {"weak answer"}, {3, 3}},
            {"strong", {"strong answer"}, {8, 8}});
  SetKind(TrainingKind::kDpo);
  settings_.pairs = PairChoice::kLosses;
  EXPECT_THAT(Answers(), ElementsAre("strong on lost"));
  settings_.pairs = PairChoice::kTarget;
  EXPECT_THAT(Answers(), UnorderedElementsAre("strong on lost", "target on won"));
  settings_.pairs = PairChoice::kAll;
  EXPECT_THAT(Answers(), UnorderedElementsAre("strong on lost", "target on won", "strong answer"));
}

TEST_F(RulesTest, PairsCarryTheMargin) {
  PutBattle(Question("q"), {"target", {"bad"}, {3, 4}}, {"strong", {"good"}, {9, 8}});
  for (const TrainingKind kind : {TrainingKind::kDpo, TrainingKind::kRewardModel}) {
    SetKind(kind);
    MustSelect(settings_);
    const auto rows = Lines(Text(".jsonl"));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["chosen"].back()["content"], "good");
    EXPECT_EQ(rows[0]["rejected"].back()["content"], "bad");
    EXPECT_EQ(rows[0]["margin"], 5);
  }
}

TEST_F(RulesTest, APairOfEqualTextsTeachesNothing) {
  PutBattle(Question("q"), {"target", {"same"}, {3, 3}}, {"strong", {"same"}, {9, 9}});
  SetKind(TrainingKind::kDpo);
  EXPECT_EQ(Answers().size(), 0U);
  EXPECT_EQ(Dropped(), (Reasons{{"same-text", 1}}));
}

TEST_F(RulesTest, KtoHasARowForEachSide) {
  PutBattle(Question("q"), {"target", {"bad"}, {3, 3}}, {"strong", {"good"}, {9, 9}});
  SetKind(TrainingKind::kKto);
  EXPECT_THAT(Answers(), ElementsAre("good", "bad"));
  const auto rows = Lines(Text(".jsonl"));
  EXPECT_EQ(rows[0]["label"], true);
  EXPECT_EQ(rows[1]["label"], false);
  const auto origins = Lines(Text(".provenance.jsonl"));
  ASSERT_EQ(origins.size(), 2U);
  EXPECT_EQ(origins[0]["answer_from"], "strong");
  EXPECT_EQ(origins[1]["answer_from"], "target");
  EXPECT_EQ(card_.selected, 1);
  EXPECT_EQ(card_.rows, 2);
}

TEST_F(RulesTest, PromptsComeOnceForEachInstruction) {
  PutSimple("q", 4, "good", 7);
  PutSimple("q", 4, "best", 9);
  PutSimple("r", 4, "best", 9);
  SetKind(TrainingKind::kPpo);
  settings_.rival_choice = RivalChoice::kEach;
  MustSelect(settings_);
  const auto rows = Lines(Text(".jsonl"));
  ASSERT_EQ(rows.size(), 2U);
  std::vector<std::string> prompts;
  for (const Json& row : rows) prompts.push_back(row["prompt"].back()["content"]);
  EXPECT_THAT(prompts, UnorderedElementsAre("q", "r"));
}

Instruction TwoTurns() {
  Instruction instruction;
  instruction.conversation = {
      {Role::kSystem, "Be brief."}, {Role::kUser, "first"}, {Role::kUser, "second"}};
  instruction.key = ConversationKey(instruction.conversation);
  return instruction;
}

TEST_F(RulesTest, EachContestantsOwnTurnsStandInItsConversation) {
  PutBattle(TwoTurns(), {"target", {"t1", "t2"}, {3, 3}}, {"strong", {"s1", "s2"}, {9, 9}});
  MustSelect(settings_);
  auto rows = Lines(Text(".jsonl"));
  ASSERT_EQ(rows.size(), 1U);
  std::vector<std::string> contents;
  for (const Json& message : rows[0]["messages"]) contents.push_back(message["content"]);
  EXPECT_THAT(contents, ElementsAre("Be brief.", "first", "s1", "second", "s2"));
  // A pair has one prompt, and these parted before the last turn.
  SetKind(TrainingKind::kDpo);
  EXPECT_EQ(Answers().size(), 0U);
  EXPECT_EQ(Dropped(), (Reasons{{"other-turns", 1}}));
  SetKind(TrainingKind::kPpo);
  MustSelect(settings_);
  rows = Lines(Text(".jsonl"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["prompt"][2]["content"], "t1") << "the target goes on from its own words";
}

TEST_F(RulesTest, PairsWithTheSameEarlierTurnsShareThePrompt) {
  PutBattle(TwoTurns(), {"target", {"same", "t2"}, {3, 3}}, {"strong", {"same", "s2"}, {9, 9}});
  SetKind(TrainingKind::kDpo);
  MustSelect(settings_);
  const auto rows = Lines(Text(".jsonl"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["prompt"].size(), 4U);
  EXPECT_EQ(rows[0]["chosen"], Json::array({{{"role", "assistant"}, {"content", "s2"}}}));
}

TEST_F(RulesTest, AConversationThatTheFormatCannotSayIsListed) {
  Instruction odd;
  odd.conversation = {{Role::kUser, "a"}, {Role::kSystem, "s"}, {Role::kUser, "b"}};
  odd.key = ConversationKey(odd.conversation);
  PutBattle(odd, {"target", {"t1", "t2"}, {3, 3}}, {"strong", {"s1", "s2"}, {9, 9}});
  settings_.format = TrainerFormat::kAlpaca;
  EXPECT_EQ(MustSelect(settings_).rows, 0);
  EXPECT_THAT(Text(".dropped.jsonl"), HasSubstr("format-cannot-say-it"));
  settings_.format = TrainerFormat::kMessages;
  EXPECT_EQ(MustSelect(settings_).rows, 1);
}

TEST_F(RulesTest, ReasoningIsExportedOnlyWhenAskedFor) {
  PutBattle(Question("tagged"), {"target", {"t"}, {3, 3}},
            {"strong", {"<think>hidden</think>\n\nshown"}, {9, 9}});
  EXPECT_THAT(Answers(), ElementsAre("shown"));
  EXPECT_THAT(Text(".jsonl"), testing::Not(HasSubstr("hidden")));
  reasoning_ = "apart";
  PutSimple("stored", 3, "strong", 9);
  EXPECT_THAT(Answers(), UnorderedElementsAre("shown", "strong on stored"));
  EXPECT_THAT(Text(".jsonl"), testing::Not(HasSubstr("apart")));
  settings_.with_reasoning = true;
  EXPECT_THAT(Answers(), UnorderedElementsAre("<think>\nhidden\n</think>\n\nshown",
                                              "<think>\napart\n</think>\n\nstrong on stored"));
}

TEST_F(RulesTest, BaselinesTakeTheBestRivalWhoeverWon) {
  for (int i = 0; i < 20; ++i) {
    const std::string question = std::string(static_cast<std::size_t>(i) + 1, 'x');
    PutSimple(question, 9, "good", 5);
    PutSimple(question, 9, "best", 6);
  }
  settings_.by = SelectionRule::kLength;
  settings_.size = 2;
  const std::string longest(20, 'x');
  const std::string second(19, 'x');
  EXPECT_THAT(Answers(), UnorderedElementsAre("best on " + longest, "best on " + second));
  EXPECT_EQ(Dropped(), (Reasons{{"not-best", 20}, {"beyond-size", 18}}));
  settings_.by = SelectionRule::kRandom;
  settings_.size = 7;
  const auto seven = Answers();
  EXPECT_EQ(seven.size(), 7U);
  settings_.size = 8;
  EXPECT_THAT(Answers(), testing::IsSupersetOf(seven)) << "larger draws hold the smaller ones";
  settings_.seed = 2;
  EXPECT_THAT(Answers(), testing::Not(testing::IsSupersetOf(seven)));
}

TEST_F(RulesTest, DifficultyTakesTheHighestScores) {
  SelectionInputs inputs;
  std::unordered_map<Key, double, KeyHash> difficulty;
  for (int i = 0; i < 5; ++i) {
    const std::string question = "q" + std::to_string(i);
    PutSimple(question, 9, "rival", 5);
    if (i > 0) difficulty[Question(question).key] = i;
  }
  inputs.difficulty = &difficulty;
  settings_.by = SelectionRule::kDifficulty;
  settings_.size = 2;
  EXPECT_THAT(Answers(inputs), UnorderedElementsAre("rival on q4", "rival on q3"));
  EXPECT_EQ(Dropped(), (Reasons{{"no-difficulty", 1}, {"beyond-size", 2}}));
  EXPECT_EQ(card_.difficulty.mean, 2.5);
  EXPECT_EQ(card_.difficulty_selected.mean, 3.5);
}

TEST_F(RulesTest, IfdTakesTheHighestBelowOneAndTagsTheMost) {
  SelectionInputs inputs;
  std::unordered_map<Key, double, KeyHash> scores;
  for (const auto& [question, score] :
       std::map<std::string, double>{{"a", 0.4}, {"b", 0.9}, {"c", 1.0}, {"d", 3.0}, {"e", 0.7}}) {
    PutSimple(question, 9, "rival", 5);
    scores[Question(question).key] = score;
  }
  PutSimple("unscored", 9, "rival", 5);
  inputs.scores = &scores;
  settings_.size = 2;
  settings_.by = SelectionRule::kIfd;
  EXPECT_THAT(Answers(inputs), UnorderedElementsAre("rival on b", "rival on e"));
  EXPECT_EQ(Dropped(), (Reasons{{"no-score", 3}, {"beyond-size", 1}}));
  settings_.by = SelectionRule::kTags;
  EXPECT_THAT(Answers(inputs), UnorderedElementsAre("rival on d", "rival on c"));
  EXPECT_EQ(Dropped(), (Reasons{{"no-score", 1}, {"beyond-size", 3}}));
}

TEST_F(RulesTest, ClustersGiveOneEachInTurn) {
  // Twelve on poems and two on code: a draw of four would seldom have both on code.
  for (int i = 0; i < 12; ++i) {
    PutSimple("write a poem about the moon number " + std::to_string(i), 9, "rival", 5);
  }
  PutSimple("sort a python array quickly", 9, "rival", 5);
  PutSimple("sort a python array in place", 9, "rival", 5);
  settings_.by = SelectionRule::kClusters;
  settings_.clusters = 2;
  settings_.size = 4;
  for (settings_.seed = 1; settings_.seed <= 3; ++settings_.seed) {
    EXPECT_THAT(Answers(), testing::IsSupersetOf({"rival on sort a python array quickly",
                                                  "rival on sort a python array in place"}));
    EXPECT_EQ(card_.selected, 4);
  }
}

TEST_F(RulesTest, ABaselineOfPairsStillNeedsWinners) {
  PutSimple("won", 9, "rival", 5);
  PutSimple("tied", 5, "rival", 5);
  SetKind(TrainingKind::kDpo);
  settings_.by = SelectionRule::kRandom;
  settings_.size = 10;
  EXPECT_THAT(Answers(), ElementsAre("target on won"));
}

TEST_F(RulesTest, WhatTheTestSetAsksIsRemovedAndListed) {
  PutSimple("What is  IT?", 3, "strong", 9);
  PutSimple("other", 3, "strong", 9);
  TestSet test_set;
  test_set.Add(MakeInstruction(" what is it?\n").conversation);
  SelectionInputs inputs;
  inputs.test_set = &test_set;
  EXPECT_THAT(Answers(inputs), ElementsAre("strong on other"));
  EXPECT_EQ(Dropped(), (Reasons{{"test-set", 1}}));
  EXPECT_EQ(card_.overlap_removed, 1);
  EXPECT_EQ(card_.overlap_left, 0);
}

TEST_F(RulesTest, OnlyTheInstructionsOfAShardAreConsidered) {
  PutSimple("in", 3, "strong", 9);
  PutSimple("out", 3, "strong", 9);
  const std::unordered_set<Key, KeyHash> shard = {Question("in").key};
  SelectionInputs inputs;
  inputs.instructions = &shard;
  EXPECT_THAT(Answers(inputs), ElementsAre("strong on in"));
  EXPECT_EQ(card_.battles, 1);
}

TEST_F(RulesTest, ErrorsSayWhatToDo) {
  EXPECT_THAT(SelectError(settings_), HasSubstr("no contestant \"target\"; it has: none"));
  PutSimple("q", 3, "strong", 9);
  settings_.target = "taget";
  EXPECT_THAT(SelectError(settings_),
              HasSubstr("did you mean \"target\"?; it has: strong, target"));
  settings_.target = "target";
  settings_.rivals = {"strnog"};
  EXPECT_THAT(SelectError(settings_), HasSubstr("it has: strong, target"));
  settings_.rivals = {"target"};
  EXPECT_THAT(SelectError(settings_), HasSubstr("own rival"));
  settings_.rivals = {};
  settings_.by = SelectionRule::kRandom;
  EXPECT_THAT(SelectError(settings_), HasSubstr("needs a size"));
  settings_.by = SelectionRule::kDifficulty;
  settings_.size = 1;
  EXPECT_THAT(SelectError(settings_), HasSubstr("needs a file"));
  settings_.by = SelectionRule::kIfd;
  EXPECT_THAT(SelectError(settings_), HasSubstr("arena score --add ifd"));
  settings_ = {.target = "target", .kind = TrainingKind::kDpo};
  EXPECT_THAT(SelectError(settings_), HasSubstr("cannot say dpo data"));
  settings_ = {.target = "target", .k = -1};
  EXPECT_THAT(SelectError(settings_), HasSubstr("k is -1"));
  Must(store_->PutContestant(MakeContestant("idle")));
  Must(store_->Flush());
  settings_ = {.target = "idle"};
  EXPECT_THAT(SelectError(settings_), HasSubstr("no battle"));
  judge_ = {"other judge", "", "{}"};
  Must(store_->PutJudge(judge_));
  PutSimple("q", 3, "strong", 9);
  settings_ = {.target = "target"};
  EXPECT_THAT(SelectError(settings_), HasSubstr("several judges"));
  settings_.judge = "judge";
  EXPECT_EQ(SelectError(settings_), "");
  const auto named = Select(*store_, settings_, {}, {folder_.path(), "../x", nullptr});
  EXPECT_THAT(named.error().message, HasSubstr("cannot name files"));
}

TEST_F(RulesTest, NoLossesGiveAnEmptyFile) {
  PutSimple("won", 9, "weak", 3);
  EXPECT_EQ(Answers().size(), 0U);
  EXPECT_TRUE(std::filesystem::exists(DataFile("out")));
  EXPECT_EQ(card_.rows, 0);
  EXPECT_EQ(card_.battles, 1);
}

}  // namespace
}  // namespace arena
