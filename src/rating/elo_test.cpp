#include "rating/elo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/rng.h"

namespace arena {
namespace {

using testing::HasSubstr;

struct OwnedResult {
  std::string a;
  std::string b;
  double share;
  std::string instruction{};
};

Dataset MakeData(const std::vector<OwnedResult>& results) {
  Dataset data({.keep_order = true});
  for (const OwnedResult& one : results)
    data.AddResult(one.a, one.b, one.instruction, one.share, 1);
  return data;
}

std::map<std::string, BoardRow> ByName(const Board& board) {
  std::map<std::string, BoardRow> rows;
  for (const BoardRow& row : board.contestants) rows[row.name] = row;
  return rows;
}

/// 60 instructions, all pairs of four contestants of known strengths.
std::vector<OwnedResult> Simulated(std::uint64_t seed) {
  const std::map<std::string, double> strength = {{"a", 2}, {"b", 1}, {"c", 0}, {"d", -1}};
  Rng rng(seed);
  std::vector<OwnedResult> results;
  for (int i = 0; i < 60; ++i) {
    for (const auto& [x, sx] : strength) {
      for (const auto& [y, sy] : strength) {
        if (x >= y) continue;
        const double share = rng.Uniform() < 1 / (1 + std::exp(sy - sx)) ? 1 : 0;
        results.push_back({x, y, share, std::to_string(i)});
      }
    }
  }
  return results;
}

TEST(EloTest, ReplaysByHand) {
  // K 4. 1000-1000: a wins, 1002-998. Then c (1000) beats a (1002): E_c = 1/(1+10^(2/400)).
  // Then b (998) and c tie.
  const auto board = RateElo(MakeData({{"a", "b", 1}, {"a", "c", 0}, {"c", "b", 0.5}}),
                             {.method = RatingMethod::kElo, .bootstrap_rounds = 10});
  ASSERT_TRUE(board.ok()) << board.error().message;
  const double up_c = 4 * (1 - 1 / (1 + std::pow(10, 2.0 / 400)));
  const double c = 1000 + up_c;
  const double up_b = 4 * (0.5 - 1 / (1 + std::pow(10, (c - 998) / 400)));
  const auto rows = ByName(*board);
  EXPECT_NEAR(rows.at("a").rating, 1002 - up_c, 1e-9);
  EXPECT_NEAR(rows.at("b").rating, 998 + up_b, 1e-9);
  EXPECT_NEAR(rows.at("c").rating, c - up_b, 1e-9);
  EXPECT_EQ(board->method, "elo");
  EXPECT_EQ(board->ci, "bootstrap");
  EXPECT_THAT(board->warnings.back(), HasSubstr("depends on the order"));
}

TEST(EloTest, OrderMatters) {
  std::vector<OwnedResult> results = Simulated(1);
  const auto forward = RateElo(MakeData(results), {.bootstrap_rounds = 5});
  std::reverse(results.begin(), results.end());
  const auto backward = RateElo(MakeData(results), {.bootstrap_rounds = 5});
  ASSERT_TRUE(forward.ok() && backward.ok());
  EXPECT_NE(ByName(*forward).at("a").rating, ByName(*backward).at("a").rating);
}

TEST(EloTest, ListingAndNamesDoNotMatter) {
  std::vector<OwnedResult> results = Simulated(2);
  const auto plain = RateElo(MakeData(results), {.bootstrap_rounds = 20});
  for (OwnedResult& one : results) {
    std::swap(one.a, one.b);
    one.share = 1 - one.share;
  }
  const auto swapped = RateElo(MakeData(results), {.bootstrap_rounds = 20});
  for (OwnedResult& one : results) {
    one.a = "z" + std::string(1, static_cast<char>('z' - one.a[0] + 'a'));
    one.b = "z" + std::string(1, static_cast<char>('z' - one.b[0] + 'a'));
  }
  const auto renamed = RateElo(MakeData(results), {.bootstrap_rounds = 20});
  ASSERT_TRUE(plain.ok() && swapped.ok() && renamed.ok());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(plain->contestants[i].rating, swapped->contestants[i].rating, 1e-9);
    EXPECT_NEAR(plain->contestants[i].lower, swapped->contestants[i].lower, 1e-9);
    EXPECT_NEAR(plain->contestants[i].rating, renamed->contestants[i].rating, 1e-9);
    EXPECT_NEAR(plain->contestants[i].upper, renamed->contestants[i].upper, 1e-9);
  }
}

TEST(EloTest, ThreadsChangeNothingAndTheSeedDoes) {
  const Dataset data = MakeData(Simulated(3));
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    RatingOptions options{.interval = IntervalMethod::kBootstrap, .clustering = clustering};
    options.threads = 1;
    const auto one = RateElo(data, options);
    options.threads = 4;
    const auto four = RateElo(data, options);
    options.seed = 2;
    const auto reseeded = RateElo(data, options);
    ASSERT_TRUE(one.ok() && four.ok() && reseeded.ok());
    EXPECT_EQ(one->draws, four->draws);
    EXPECT_NE(one->draws, reseeded->draws);
    EXPECT_EQ(one->bootstrap_rounds, 100);
  }
}

TEST(EloTest, TheMeanStaysAndAnAnchorShiftsAll) {
  const Dataset data = MakeData(Simulated(4));
  const auto plain = RateElo(data, {.bootstrap_rounds = 20});
  const auto anchored = RateElo(data, {.bootstrap_rounds = 20, .anchor = {{"b", 1114.0}}});
  ASSERT_TRUE(plain.ok() && anchored.ok());
  double sum = 0;
  for (const BoardRow& row : plain->contestants) sum += row.rating;
  EXPECT_NEAR(sum / 4, 1000, 1e-9);
  const auto rows = ByName(*anchored);
  EXPECT_EQ(rows.at("b").rating, 1114);
  EXPECT_EQ(rows.at("b").lower, 1114);
  EXPECT_NEAR(rows.at("a").rating - 1114,
              ByName(*plain).at("a").rating - ByName(*plain).at("b").rating, 1e-9);
  EXPECT_EQ(anchored->anchor, "b=1114");
}

TEST(EloTest, BootstrapMedianIsTheRatingAndLiesInItsInterval) {
  const auto board = RateElo(MakeData(Simulated(5)), {.interval = IntervalMethod::kBootstrap});
  ASSERT_TRUE(board.ok());
  for (std::size_t i = 0; i < board->contestants.size(); ++i) {
    std::vector<double> draws;
    for (const auto& round : board->draws) draws.push_back(round[i]);
    std::sort(draws.begin(), draws.end());
    EXPECT_NEAR(board->contestants[i].rating, (draws[49] + draws[50]) / 2, 1e-9);
    EXPECT_LT(board->contestants[i].lower, board->contestants[i].rating);
    EXPECT_GT(board->contestants[i].upper, board->contestants[i].rating);
  }
  EXPECT_EQ(board->contestants[0].name, "a");
  EXPECT_EQ(board->contestants[3].name, "d");
}

TEST(EloTest, SmallStepsOverManyBattlesConvergeToTheStrengths) {
  // Second method: with small steps and many battles Elo nears the Bradley-Terry gap, which for
  // two contestants is the log odds of the win rate (all results being its noiseless fraction).
  Dataset data({.keep_order = true});
  const double p = 1 / (1 + std::exp(-1.0));
  for (int i = 0; i < 40000; ++i) data.AddResult("a", "b", "", p, 1);
  const auto board = RateElo(data, {.bootstrap_rounds = 2, .elo_k = 0.5});
  ASSERT_TRUE(board.ok());
  const auto rows = ByName(*board);
  EXPECT_NEAR(rows.at("a").rating - rows.at("b").rating, 400 / std::log(10.0), 1e-3);
  EXPECT_EQ(board->cluster, "none");  // no instruction is named
}

TEST(EloTest, WhatItCannotRateIsAnError) {
  EXPECT_FALSE(RateElo(Dataset({.keep_order = true}), {}).ok());
  Dataset unordered(DatasetOptions{});
  unordered.AddResult("a", "b", "1", 1, 1);
  EXPECT_THAT(RateElo(unordered, {}).error().message, HasSubstr("order"));
  const Dataset data = MakeData({{"a", "b", 1, "1"}});
  EXPECT_FALSE(RateElo(data, {.anchor = {{"nobody", 1.0}}}).ok());
  EXPECT_FALSE(RateElo(data, {.bootstrap_rounds = 0}).ok());
  EXPECT_FALSE(RateElo(data, {.elo_k = 0}).ok());
}

}  // namespace
}  // namespace arena
