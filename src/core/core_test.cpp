#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "core/battle.h"
#include "core/conversation.h"
#include "core/game.h"

namespace arena {
namespace {

BattleRecord TwoGames(double share_1, double share_2) {
  BattleRecord battle;
  battle.game_count = 2;
  battle.games[0].share_a = share_1;
  battle.games[1].share_a = share_2;
  battle.games[1].a_first = false;
  return battle;
}

TEST(OutcomeTest, MeanScoreComparesBothGamesWithinTheMargin) {
  BattleRecord battle = TwoGames(1, 0);
  for (GameOutcome& game : battle.games) game.has_scores = true;
  battle.games[0].score_a = 8;
  battle.games[0].score_b = 6;
  battle.games[1].score_a = 5;
  battle.games[1].score_b = 6;
  EXPECT_EQ(Outcome(battle, {})->results[0].share_a, 1.0);
  EXPECT_EQ(Outcome(battle, {.tie_margin = 0.5})->results[0].share_a, 0.5);
  EXPECT_EQ(Outcome(battle, {.tie_margin = 0.49})->results[0].share_a, 1.0);
}

TEST(ScoredGameTest, ScoresOfTheSeatsBecomeScoresOfTheContestants) {
  const GameOutcome game = ScoredGame(false, 3, 8);
  EXPECT_EQ(game.score_a, 8);
  EXPECT_EQ(game.score_b, 3);
  EXPECT_EQ(game.share_a, 1.0);
  EXPECT_EQ(ScoredGame(true, 3, 8).share_a, 0.0);
  EXPECT_EQ(ScoredGame(true, 5, 5).share_a, 0.5);
}

TEST(OutcomeTest, MeanScoreWithoutScoresIsAnError) {
  EXPECT_FALSE(Outcome(TwoGames(1, 1), {}).ok());
}

TEST(OutcomeTest, DisagreementIsATie) {
  const OutcomeOptions options{.policy = OutcomePolicy::kDisagreeTie};
  EXPECT_EQ(Outcome(TwoGames(1, 1), options)->results[0].share_a, 1.0);
  EXPECT_EQ(Outcome(TwoGames(1, 0), options)->results[0].share_a, 0.5);
  EXPECT_EQ(Outcome(TwoGames(0.5, 0), options)->results[0].share_a, 0.5);
  EXPECT_EQ(Outcome(TwoGames(0, 0), options)->results[0].share_a, 0.0);
}

TEST(OutcomeTest, EachGameCountsHalfAndStrongGamesMore) {
  OutcomeOptions options{.policy = OutcomePolicy::kEachGame, .strong_weight = 3};
  BattleRecord battle = TwoGames(1, 0.25);
  battle.games[0].strong = true;
  const auto rated = Outcome(battle, options);
  ASSERT_EQ(rated->count, 2);
  EXPECT_EQ(rated->results[0].weight, 1.5);
  EXPECT_EQ(rated->results[1].weight, 0.5);
  EXPECT_EQ(rated->results[1].share_a, 0.25);
}

TEST(OutcomeTest, AVoidGameIsNeverATie) {
  BattleRecord battle = TwoGames(1, 0);
  battle.games[1].is_void = true;
  EXPECT_EQ(Outcome(battle, {.policy = OutcomePolicy::kDisagreeTie})->count, 0);
  EXPECT_EQ(Outcome(battle, {.policy = OutcomePolicy::kEachGame})->count, 1);
}

TEST(KeysTest, AGameKeyDependsOnSeatsTextsJudgeAndReference) {
  Instruction instruction = MakeInstruction("2+2?");
  const Key x = TextKey({"4"}), y = TextKey({"5"}), judge = HashBytes("judge");
  const Key game = GameKey(instruction, x, y, judge, 0);
  EXPECT_EQ(game, GameKey(instruction, x, y, judge, 0));
  EXPECT_NE(game, GameKey(instruction, y, x, judge, 0));
  EXPECT_NE(game, GameKey(instruction, x, y, judge, 1));
  instruction.reference = "4";
  EXPECT_NE(game, GameKey(instruction, x, y, judge, 0));
  EXPECT_NE(TextKey({"a", "b"}), TextKey({"ab"}));
}

TEST(ConversationTest, AnswersFollowTheTurnsThatAreOpen) {
  Instruction instruction;
  instruction.conversation = {{Role::kSystem, "s"},
                              {Role::kUser, "quoted"},
                              {Role::kAssistant, "reply"},
                              {Role::kUser, "one"},
                              {Role::kUser, "two"}};
  EXPECT_EQ(OpenTurns(instruction), 2U);
  const std::vector<std::string> turns = {"1", "2"};
  const Conversation expected = {{Role::kSystem, "s"},        {Role::kUser, "quoted"},
                                 {Role::kAssistant, "reply"}, {Role::kUser, "one"},
                                 {Role::kAssistant, "1"},     {Role::kUser, "two"},
                                 {Role::kAssistant, "2"}};
  EXPECT_EQ(WithAnswers(instruction, turns), expected);
  EXPECT_EQ(WithAnswers(instruction, std::span(turns).first(1)),
            Conversation(expected.begin(), expected.end() - 1));
  EXPECT_EQ(WithAnswers(instruction, {}), instruction.conversation);
}

TEST(NamesTest, EveryNameIsReadBack) {
  for (const auto policy :
       {OutcomePolicy::kMeanScore, OutcomePolicy::kDisagreeTie, OutcomePolicy::kEachGame}) {
    EXPECT_EQ(ParseOutcomePolicy(OutcomePolicyName(policy)), policy);
  }
  for (const auto state : {WorkState::kPending, WorkState::kDone, WorkState::kFailed}) {
    EXPECT_EQ(ParseWorkState(WorkStateName(state)), state);
  }
  EXPECT_FALSE(ParseRole("human").has_value());
}

}  // namespace
}  // namespace arena
