// Inputs that do not determine a rating, boards around the ratings, and options that make no sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "rating/bradley_terry.h"
#include "rating/internal/rating_testing.h"

namespace arena {
namespace {

using namespace rating_testing;  // NOLINT: the tests' own words
using testing::HasSubstr;

TEST(BradleyTerryEdges, AnUndefeatedContestantStaysFiniteAndIsNamed) {
  std::vector<Result3> results = RandomResults(18, 4, 30, 200);
  AddGames(results, "champion", "m0", 40, 0);
  AddGames(results, "m1", "hopeless", 40, 0);
  for (const double ridge : {1e-5, 0.0}) {
    RatingOptions options;
    options.clustering = Clustering::kNone;
    options.ridge = ridge;
    const Board board = MustRate(Collect(results), options);
    EXPECT_EQ(board.contestants.front().name, "champion");
    EXPECT_EQ(board.contestants.back().name, "hopeless");
    for (const BoardRow& row : board.contestants) {
      EXPECT_TRUE(std::isfinite(row.rating) && std::isfinite(row.lower) &&
                  std::isfinite(row.upper));
    }
    // Not the sandwich's, which would be near zero.
    EXPECT_GT(board.contestants.front().upper - board.contestants.front().lower, 5000);
    ASSERT_EQ(board.warnings.size(), 2U);
    EXPECT_THAT(board.warnings[0], HasSubstr("champion won every battle"));
    EXPECT_THAT(board.warnings[1], HasSubstr("hopeless lost every battle"));
    RatingOptions bootstrap = options;
    bootstrap.interval = IntervalMethod::kBootstrap;
    for (const BoardRow& row : MustRate(Collect(results), bootstrap).contestants) {
      EXPECT_TRUE(std::isfinite(row.lower) && std::isfinite(row.upper));
    }
  }
}

TEST(BradleyTerryEdges, AGroupThatNeverLostToTheRestIsNamed) {
  std::vector<Result3> results;
  AddGames(results, "a", "b", 5, 5);
  AddGames(results, "c", "d", 5, 5);
  AddGames(results, "a", "c", 10, 0);
  RatingOptions options;
  options.clustering = Clustering::kNone;
  const Board board = MustRate(Collect(results, false), options);
  ASSERT_EQ(board.warnings.size(), 2U);
  EXPECT_THAT(board.warnings[0], HasSubstr("a, b won every battle with the others"));
  EXPECT_THAT(board.warnings[1], HasSubstr("c, d lost every battle with the others"));
}

TEST(BradleyTerryEdges, GroupsThatNeverMetAreReportedAndCentredAlike) {
  std::vector<Result3> results;
  AddGames(results, "a", "b", 6, 4);
  AddGames(results, "x", "y", 8, 2);
  RatingOptions options;
  options.clustering = Clustering::kNone;
  const Board board = MustRate(Collect(results, false), options);
  ASSERT_EQ(board.warnings.size(), 1U);
  EXPECT_THAT(board.warnings[0], HasSubstr("2 groups that never met"));
  EXPECT_THAT(board.warnings[0], HasSubstr("[a, b] [x, y]"));
  EXPECT_NEAR(Find(board, "a").rating + Find(board, "b").rating, 2000, 1e-6);
  EXPECT_NEAR(Find(board, "x").rating + Find(board, "y").rating, 2000, 1e-6);
  EXPECT_TRUE(std::isnan(board.matrix.win_rate[0][2]) || board.matrix.battles[0][2] > 0);
}

TEST(BradleyTerryEdges, EmptyAndVoidInputsAreErrors) {
  EXPECT_THAT(Rate(Collect({}), RatingOptions{}).error().message, HasSubstr("no battles"));
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kDisagreeTie;
  Dataset data(options);
  BattleRecord battle;
  battle.model_a = "x";
  battle.model_b = "y";
  battle.games[0].is_void = true;
  ASSERT_TRUE(data.Add(battle).ok());
  EXPECT_THAT(Rate(data, RatingOptions{}).error().message, HasSubstr("all 1 battles are void"));
}

TEST(BradleyTerryEdges, ContestantsWithOnlyVoidBattlesAreLeftOutWithAWarning) {
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kDisagreeTie;
  Dataset data(options);
  BattleRecord battle;
  battle.instruction = "q";
  battle.model_a = "x";
  battle.model_b = "y";
  for (const double share : {1.0, 0.0, 1.0}) {
    battle.games[0].share_a = share;
    ASSERT_TRUE(data.Add(battle).ok());
  }
  battle.games[0].is_void = true;
  ASSERT_TRUE(data.Add(battle).ok());
  battle.model_b = "ghost";
  ASSERT_TRUE(data.Add(battle).ok());
  const Board board = MustRate(data, RatingOptions{});
  ASSERT_EQ(board.contestants.size(), 2U);
  EXPECT_THAT(board.warnings, testing::Contains(HasSubstr("ghost")));
  const BoardRow& x = Find(board, "x");
  EXPECT_EQ(x.battles, 3);
  EXPECT_NEAR(x.void_share, 2.0 / 5, 1e-12);
  EXPECT_NEAR(x.win_rate, 100 * 2.0 / 3, 1e-9);
  EXPECT_NEAR(x.win_rate_voids_lost, 100 * 2.0 / 5, 1e-9);
  EXPECT_NEAR(x.win_rate_voids_won, 100 * 4.0 / 5, 1e-9);
  EXPECT_EQ(board.battles, 3);
  EXPECT_EQ(board.void_battles, 2);
}

TEST(BradleyTerryEdges, RanksCountTheContestantsThatAreClearlyAbove) {
  std::vector<Result3> results;
  AddGames(results, "top", "middle", 900, 100);
  AddGames(results, "middle", "low", 900, 100);
  AddGames(results, "low", "low twin", 50, 50);
  RatingOptions options;
  options.clustering = Clustering::kNone;
  const Board board = MustRate(Collect(results, false), options);
  ASSERT_EQ(board.contestants.size(), 4U);
  EXPECT_EQ(Find(board, "top").rank, 1);
  EXPECT_EQ(Find(board, "middle").rank, 2);
  EXPECT_EQ(Find(board, "low").rank, 3);
  EXPECT_EQ(Find(board, "low twin").rank, 3);
}

TEST(BradleyTerryEdges, TheWinMatrixIsInBoardOrder) {
  std::vector<Result3> results;
  AddGames(results, "a", "b", 1, 3);
  AddGames(results, "b", "c", 6, 2);
  RatingOptions options;
  options.clustering = Clustering::kNone;
  const Board board = MustRate(Collect(results, false), options);
  std::map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < 3; ++i) place[board.contestants[i].name] = i;
  EXPECT_NEAR(board.matrix.win_rate[place["a"]][place["b"]], 0.25, 1e-12);
  EXPECT_NEAR(board.matrix.win_rate[place["b"]][place["a"]], 0.75, 1e-12);
  EXPECT_EQ(board.matrix.battles[place["c"]][place["b"]], 8);
  EXPECT_TRUE(std::isnan(board.matrix.win_rate[place["a"]][place["c"]]));
}

TEST(BradleyTerryEdges, FallsBackToIndependentBattlesWithoutInstructions) {
  std::vector<Result3> results;
  AddGames(results, "a", "b", 6, 4);
  const Board board = MustRate(Collect(results), RatingOptions{});
  EXPECT_EQ(board.cluster, "none");
  EXPECT_THAT(board.warnings, testing::ElementsAre(HasSubstr("names its instruction")));
}

TEST(BradleyTerryEdges, WrongOptionsAreErrorsThatSayWhich) {
  const Dataset data = Collect(RandomResults(19, 4, 20, 100));
  const auto message = [&](auto change) {
    RatingOptions options;
    change(options);
    const auto board = Rate(data, options);
    return board.ok() ? std::string() : board.error().message;
  };
  EXPECT_THAT(message([](RatingOptions& o) {
                o.anchor = {"m33", 1000};
              }),
              HasSubstr("the anchor \"m33\" has no judged battle; did you mean"));
  EXPECT_THAT(message([](RatingOptions& o) { o.level = 1; }), HasSubstr("level"));
  EXPECT_THAT(message([](RatingOptions& o) { o.scale = 0; }), HasSubstr("scale"));
  EXPECT_THAT(message([](RatingOptions& o) { o.ridge = -1; }), HasSubstr("ridge"));
  EXPECT_THAT(message([](RatingOptions& o) { o.style.enabled = true; }), HasSubstr("style"));
  EXPECT_THAT(message([](RatingOptions& o) {
                o.interval = IntervalMethod::kBootstrap;
                o.bootstrap_rounds = 1;
              }),
              HasSubstr("bootstrap"));
  EXPECT_FALSE(Rate(Collect(RandomResults(19, 4, 20, 100), false), RatingOptions{}).ok());
}

TEST(RateTest, AnIntervalWithoutWidthIsWarnedOf) {
  Dataset data{DatasetOptions{}};
  data.AddResult("a", "b", "q1", 0.5, 1);
  data.AddResult("a", "b", "q2", 0.5, 1);
  const auto board = Rate(data, {});
  ASSERT_TRUE(board.ok());
  ASSERT_FALSE(board->warnings.empty());
  EXPECT_NE(board->warnings.back().find("a, b have no width"), std::string::npos);
}

}  // namespace
}  // namespace arena
