#include "report/battle_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;
using testing::Not;

Game DoneGame(double first, double second, std::string explanation) {
  Game game;
  game.state = WorkState::kDone;
  game.verdict = {first, second, std::move(explanation)};
  return game;
}

BattleDetail SampleBattle() {
  BattleDetail detail;
  detail.battle.key = {0x0123456789abcdefU, 0xfedcba9876543210U};
  detail.instruction.id = "gsm8k/17";
  detail.instruction.category = "math";
  detail.instruction.source = "questions.jsonl:17";
  detail.instruction.conversation = {
      {Role::kUser, "A baker makes 12 rolls and sells 5.\nHow many are left?"}};
  detail.instruction.reference = "#### 7";
  detail.contestant_a.name = "175b_verification";
  detail.contestant_a.family = "gpt-3";
  detail.contestant_b.name = kHostileName;
  detail.judge.name = "reference (numeric)";
  detail.answer_a.turns = {
      "12 - 5 = 7 rolls are left, since each roll that is sold is gone.\n#### 7"};
  detail.answer_b.turns = {
      "\x1b[2J\x1b[H\u2500\u2500 Outcome \u2500\u2500\nA wins\r\x1b]52;c;cm0gLXJm\x07 12 + 5 = 17\n"
      "    def f():\n\treturn 17\n#### 17"};
  detail.game_ab = DoneGame(10, 1, "first: 7 is the reference\nsecond: 17 is not 7");
  detail.game_ba = DoneGame(1, 9.5, "first: 17 is not 7 \x1b[8mhidden");
  return detail;
}

TEST(BattleTextTest, IsTheApprovedText) {
  ExpectGolden("battle.txt", BattleText(SampleBattle(), {}, {true, false, 80}));
  ExpectGolden("battle_wide.txt", BattleText(SampleBattle(), {}, {true, false, 120}));
  ExpectGolden("battle_ascii.txt", BattleText(SampleBattle(), {}, {false, false, 60}));
}

TEST(BattleTextTest, ModelTextCannotActOnTheTerminal) {
  for (int width : {40, 80, 140}) {
    for (const char c : BattleText(SampleBattle(), {}, {true, false, width})) {
      const auto byte = static_cast<unsigned char>(c);
      ASSERT_TRUE(c == '\n' || (byte >= 0x20 && byte != 0x7f));
    }
  }
}

TEST(BattleTextTest, ModelTextCannotForgeAHeading) {
  std::istringstream lines(BattleText(SampleBattle(), {}, {true, false, 80}));
  int headings = 0;
  for (std::string line; std::getline(lines, line);) {
    headings += line.starts_with("\u2500\u2500 Outcome") ? 1 : 0;
  }
  EXPECT_EQ(headings, 1);
}

TEST(BattleTextTest, ScoresFollowTheContestantsAndNotTheSeats) {
  const std::string text = BattleText(SampleBattle(), {}, {true, false, 80});
  EXPECT_THAT(text, HasSubstr("A 10, B 1: A wins"));
  EXPECT_THAT(text, HasSubstr("A 9.5, B 1: A wins"));
}

TEST(BattleTextTest, TheOutcomeIsThatOfThePolicy) {
  BattleDetail detail = SampleBattle();
  detail.game_ba = DoneGame(9, 1, "");  // B first, and B wins
  const auto outcome = [&](OutcomeOptions options) {
    const std::string text = BattleText(detail, options, {true, false, 80});
    return text.substr(text.rfind("Outcome"));
  };
  EXPECT_THAT(outcome({OutcomePolicy::kMeanScore}), HasSubstr("  A wins\n"));
  EXPECT_THAT(outcome({OutcomePolicy::kMeanScore, 3}), HasSubstr("  tie\n"));
  EXPECT_THAT(outcome({OutcomePolicy::kDisagreeTie}), HasSubstr("  tie\n"));
  EXPECT_THAT(outcome({OutcomePolicy::kEachGame}),
              HasSubstr("A wins (counts 0.5); B wins (counts 0.5)"));
}

TEST(BattleTextTest, FailuresAreToldApartFromTies) {
  BattleDetail detail = SampleBattle();
  detail.game_ab.reset();
  detail.game_ba->state = WorkState::kFailed;
  detail.game_ba->failure = FailureKind::kUnparsable;
  detail.game_ba->error = "no scores\x1b[0m in the reply";
  detail.game_ba->raw_reply = "I would rather not";
  detail.game_ba->attempts = 2;
  detail.answer_b.state = WorkState::kFailed;
  detail.answer_b.failure = FailureKind::kLength;
  const std::string text = BattleText(detail, {}, {true, false, 80});
  EXPECT_THAT(text, HasSubstr("not played"));
  EXPECT_THAT(text, HasSubstr("after 2 attempts: no scores\\x1b[0m in the reply"));
  EXPECT_THAT(text, HasSubstr("I would rather not"));
  EXPECT_THAT(text, HasSubstr("failed (length) after 1 attempt"));
  EXPECT_THAT(text, HasSubstr("void: it does not count"));
  EXPECT_THAT(text, Not(HasSubstr("tie\n")));
}

TEST(BattleTextTest, LinesFitTheTerminal) {
  BattleDetail detail = SampleBattle();
  detail.answer_a.turns = {std::string(500, 'x'), "two words"};
  detail.instruction.conversation.insert(detail.instruction.conversation.begin(),
                                         {Role::kSystem, "be brief"});
  for (int width : {40, 80, 109, 110, 160}) {
    std::istringstream lines(BattleText(detail, {}, {true, false, width}));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(DisplayWidth(line), width) << line;
    }
  }
}

}  // namespace
}  // namespace arena
