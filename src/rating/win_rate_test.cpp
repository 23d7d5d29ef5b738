#include "rating/win_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace arena {
namespace {

using testing::HasSubstr;

const BoardRow& Find(const Board& board, const std::string& name) {
  return *std::find_if(board.contestants.begin(), board.contestants.end(),
                       [&](const BoardRow& row) { return row.name == name; });
}

RatingOptions WinRates() {
  RatingOptions options;
  options.method = RatingMethod::kWinRate;
  return options;
}

Dataset SmallArena() {
  Dataset data{DatasetOptions{}};
  for (int i = 0; i < 10; ++i) {
    const std::string q = "q" + std::to_string(i);
    data.AddResult("a", "base", q, i < 7 ? 1 : 0, 1);
    data.AddResult("base", "b", q, i < 4 ? 1 : 0.5, 1);
    data.AddResult("a", "b", q, i < 9 ? 1 : 0, 1);
  }
  return data;
}

TEST(WinRate, IsTheShareOfAllBattlesInPercent) {
  const auto board = RateWinRate(SmallArena(), WinRates());
  ASSERT_TRUE(board.ok());
  EXPECT_EQ(board->method, "winrate");
  EXPECT_NEAR(Find(*board, "a").rating, 80, 1e-9);
  EXPECT_NEAR(Find(*board, "base").rating, 100 * (3 + 4 + 3) / 20.0, 1e-9);
  EXPECT_NEAR(Find(*board, "b").rating, 100 * (3 + 1) / 20.0, 1e-9);
  EXPECT_EQ(board->contestants[0].name, "a");
}

TEST(WinRate, AgainstABaselineGivesTheBaselineFifty) {
  RatingOptions options = WinRates();
  options.baseline = "base";
  const auto board = RateWinRate(SmallArena(), options);
  ASSERT_TRUE(board.ok());
  EXPECT_NEAR(Find(*board, "a").rating, 70, 1e-9);
  EXPECT_NEAR(Find(*board, "b").rating, 30, 1e-9);
  EXPECT_EQ(Find(*board, "base").rating, 50);
  EXPECT_EQ(Find(*board, "base").lower, 50);
  // One battle per instruction: the plain standard error of a share.
  const double half = 100 * 1.959963984540054 * std::sqrt(0.7 * 0.3 / 10);
  EXPECT_NEAR(Find(*board, "a").rating - Find(*board, "a").lower, half, 1e-9);
}

TEST(WinRate, BattlesOfOneInstructionAreOnePieceOfEvidence) {
  // Every instruction's result four times over.
  Dataset data{DatasetOptions{}};
  for (int i = 0; i < 40; ++i) {
    data.AddResult("a", "b", "q" + std::to_string(i / 4), i / 4 < 6 ? 1 : 0, 1);
  }
  RatingOptions options = WinRates();
  const auto clustered = RateWinRate(data, options);
  options.clustering = Clustering::kNone;
  const auto independent = RateWinRate(data, options);
  const auto width = [](const Board& board) {
    return Find(board, "a").upper - Find(board, "a").lower;
  };
  EXPECT_NEAR(width(*clustered) / width(*independent), 2, 1e-9);
}

TEST(WinRate, ContestantsThatNeverMetTheBaselineAreLeftOutWithAWarning) {
  Dataset data = SmallArena();
  data.AddResult("stranger", "a", "q1", 1, 1);
  RatingOptions options = WinRates();
  options.baseline = "base";
  const auto board = RateWinRate(data, options);
  ASSERT_TRUE(board.ok());
  EXPECT_EQ(board->contestants.size(), 3U);
  EXPECT_THAT(board->warnings, testing::ElementsAre(HasSubstr("\"stranger\" is not on the board")));
  options.interval = IntervalMethod::kBootstrap;
  EXPECT_EQ(RateWinRate(data, options)->draws[0].size(), 3U);
}

TEST(WinRate, BoundsStayWithinPercentAndExtremesAreNamed) {
  Dataset data{DatasetOptions{}};
  for (int i = 0; i < 5; ++i) data.AddResult("a", "b", "q" + std::to_string(i), 1, 1);
  for (int i = 0; i < 5; ++i) data.AddResult("c", "b", "q" + std::to_string(i), i == 0 ? 0 : 1, 1);
  const auto board = RateWinRate(data, WinRates());
  for (const BoardRow& row : board->contestants) {
    EXPECT_GE(row.lower, 0);
    EXPECT_LE(row.upper, 100);
  }
  EXPECT_THAT(board->warnings, testing::ElementsAre(HasSubstr("\"a\" won every battle")));
}

TEST(WinRate, RefusesWhatItHasNoUseFor) {
  RatingOptions options = WinRates();
  options.baseline = "bass";
  EXPECT_THAT(RateWinRate(SmallArena(), options).error().message, HasSubstr("did you mean"));
  options = WinRates();
  options.reweight_pairs = true;
  EXPECT_FALSE(RateWinRate(SmallArena(), options).ok());
}

}  // namespace
}  // namespace arena
