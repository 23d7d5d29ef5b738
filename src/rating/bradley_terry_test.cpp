#include "rating/bradley_terry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/internal/rating_testing.h"

namespace arena {
namespace {

using namespace rating_testing;  // NOLINT: the tests' own words

TEST(BradleyTerry, TwoContestantsHaveTheLogOddsOfTheirScore) {
  std::vector<Result3> results;
  AddGames(results, "x", "y", 30, 10);
  results.push_back({"x", "y", 0.5, 4, ""});
  const Board board = MustRate(Collect(results, false), LogOdds());
  EXPECT_NEAR(board.contestants[0].rating - board.contestants[1].rating, std::log(32.0 / 12), 1e-7);
  EXPECT_NEAR(board.contestants[0].rating + board.contestants[1].rating, 0, 1e-9);
}

TEST(BradleyTerry, TheSandwichOfTwoContestantsHasItsClosedForm) {
  // With n games, share s won: the difference's variance is s(1-s)n / (n s(1-s))^2.
  std::vector<Result3> results;
  AddGames(results, "x", "y", 30, 10);
  RatingOptions options = LogOdds();
  options.anchor = {"y", 0};
  const Board board = MustRate(Collect(results, false), options);
  const BoardRow& x = Find(board, "x");
  const double deviation = 1 / std::sqrt(40 * 0.75 * 0.25);
  EXPECT_NEAR(x.upper - x.rating, 1.959963984540054 * deviation, 1e-6);
  EXPECT_EQ(Find(board, "y").lower, 0);
  EXPECT_EQ(Find(board, "y").upper, 0);
}

TEST(BradleyTerry, AGroupOfAnchorsHasTheMeanAndIntervalsAreToIt) {
  std::vector<Result3> results;
  AddGames(results, "x", "y", 30, 10);
  AddGames(results, "y", "z", 20, 15);
  AddGames(results, "x", "z", 25, 12);
  const Dataset data = Collect(results, false);
  RatingOptions options = LogOdds();
  options.center = 7;
  options.anchor_group = {"y", "z"};
  const Board board = MustRate(data, options);
  EXPECT_NEAR(Find(board, "y").rating + Find(board, "z").rating, 14, 1e-9);
  EXPECT_EQ(board.anchor, "mean of y, z=7");
  // y and z stand on both sides of their mean, at half of the distance between them.
  options.anchor_group = {};
  options.anchor = {"z", 7};
  const Board anchored = MustRate(data, options);
  const BoardRow& whole = Find(anchored, "y");
  const BoardRow& half = Find(board, "y");
  EXPECT_NEAR(half.upper - half.rating, (whole.upper - whole.rating) / 2, 1e-9);
  // A group of one is that anchor.
  options.anchor.reset();
  options.anchor_group = {"z"};
  EXPECT_NEAR(Find(MustRate(data, options), "x").upper, Find(anchored, "x").upper, 1e-9);
}

TEST(BradleyTerry, SolvesTheWorkedExampleOfWikipedia) {
  // "Bradley-Terry model", section "Worked example of solution procedure": strengths with a
  // geometric mean of 1.
  std::vector<Result3> results;
  AddGames(results, "A", "B", 2, 3);
  AddGames(results, "A", "D", 1, 4);
  AddGames(results, "B", "C", 5, 3);
  AddGames(results, "C", "D", 1, 3);
  const Board board = MustRate(Collect(results, false), LogOdds());
  const std::map<std::string, double> published = {
      {"A", 0.640}, {"B", 1.043}, {"C", 0.660}, {"D", 2.270}};
  for (const auto& [name, strength] : published) {
    EXPECT_NEAR(std::exp(Find(board, name).rating), strength, 5e-4) << name;
  }
}

TEST(BradleyTerry, SolvesStiglersCitationsOfStatisticalJournals) {
  // Stigler (1994), fitted in Turner and Firth, "Bradley-Terry Models in R", Journal of Statistical
  // Software 48(9), 2012, section 2: Biometrika is 0.
  std::vector<Result3> results;
  AddGames(results, "Biometrika", "Comm Statist", 730, 33);
  AddGames(results, "Biometrika", "JASA", 498, 320);
  AddGames(results, "Biometrika", "JRSS-B", 221, 284);
  AddGames(results, "Comm Statist", "JASA", 68, 813);
  AddGames(results, "Comm Statist", "JRSS-B", 17, 276);
  AddGames(results, "JASA", "JRSS-B", 142, 325);
  RatingOptions options = LogOdds();
  options.anchor = {"Biometrika", 0};
  const Board board = MustRate(Collect(results, false), options);
  EXPECT_NEAR(Find(board, "Comm Statist").rating, -2.94907, 1e-5);
  EXPECT_NEAR(Find(board, "JASA").rating, -0.47957, 1e-5);
  EXPECT_NEAR(Find(board, "JRSS-B").rating, 0.26895, 1e-5);
}

// The maximum of the penalised likelihood by bisection along one coordinate at a time: slow, and
// nothing in common with Newton's method.
std::map<std::string, double> FitByCoordinates(const std::vector<Result3>& results, double ridge) {
  std::map<std::string, double> x;
  for (const Result3& r : results) x[r.a] = x[r.b] = 0;
  const auto slope = [&](const std::string& name, double value) {
    double sum = -ridge * value;
    for (const Result3& r : results) {
      if (r.a != name && r.b != name) continue;
      const double d = r.a == name ? value - x[r.b] : x[r.a] - value;
      const double excess = r.weight * (r.share - 1 / (1 + std::exp(-d)));
      sum += r.a == name ? excess : -excess;
    }
    return sum;
  };
  for (int sweep = 0; sweep < 150; ++sweep) {
    for (auto& [name, value] : x) {
      double low = -30;
      double high = 30;
      while (high - low > 1e-12) {
        const double middle = (low + high) / 2;
        (slope(name, middle) > 0 ? low : high) = middle;
      }
      value = (low + high) / 2;
    }
    // The likelihood does not see the mean, and the ridge wants it to be 0.
    double mean = 0;
    for (const auto& [name, value] : x) mean += value / static_cast<double>(x.size());
    for (auto& [name, value] : x) value -= mean;
  }
  return x;
}

TEST(BradleyTerry, AgreesWithAGenericOptimiserOnFractionsAndWeights) {
  std::vector<Result3> results = RandomResults(11, 5, 40, 120);
  // Shares and weights as the dataset stores them.
  for (const double ridge : {1e-5, 0.5}) {
    RatingOptions options = LogOdds();
    options.ridge = ridge;
    const Board board = MustRate(Collect(results, false), options);
    for (const auto& [name, value] : FitByCoordinates(results, ridge)) {
      EXPECT_NEAR(Find(board, name).rating, value, 2e-6) << name << " ridge " << ridge;
    }
  }
}

TEST(BradleyTerry, ReweightedPairsAgreeWithAGenericOptimiser) {
  std::vector<Result3> results = RandomResults(12, 4, 40, 120);
  RatingOptions options = LogOdds();
  options.ridge = 1e-5;
  options.reweight_pairs = true;
  options.reweight_floor = 10;
  const Board board = MustRate(Collect(results, false), options);
  std::map<std::pair<std::string, std::string>, double> totals;
  for (const Result3& r : results) totals[std::minmax(r.a, r.b)] += r.weight;
  for (Result3& r : results) r.weight /= std::max(10.0, totals[std::minmax(r.a, r.b)]);
  for (const auto& [name, value] : FitByCoordinates(results, 1e-5)) {
    EXPECT_NEAR(Find(board, name).rating, value, 2e-6) << name;
  }
}

TEST(BradleyTerry, ScaleBaseCentreAndAnchorOnlyMoveRatings) {
  const Dataset data = Collect(RandomResults(13, 6, 50, 300));
  RatingOptions options;
  const Board centred = MustRate(data, options);
  double mean = 0;
  for (const BoardRow& row : centred.contestants) mean += row.rating / 6;
  EXPECT_NEAR(mean, 1000, 1e-9);
  options.anchor = {"m3", 1114};
  const Board anchored = MustRate(data, options);
  EXPECT_EQ(anchored.anchor, "m3=1114");
  EXPECT_NEAR(Find(anchored, "m3").rating, 1114, 1e-9);
  const double shift = 1114 - Find(centred, "m3").rating;
  for (const BoardRow& row : centred.contestants) {
    EXPECT_NEAR(Find(anchored, row.name).rating, row.rating + shift, 1e-9);
  }
  // 400 points are a factor of 10 of the odds.
  RatingOptions logits = options;
  logits.scale = 1;
  logits.base = std::exp(1.0);
  logits.anchor = {"m3", 0};
  const Board log_odds = MustRate(data, logits);
  for (const BoardRow& row : anchored.contestants) {
    EXPECT_NEAR((row.rating - 1114) * std::log(10.0) / 400, Find(log_odds, row.name).rating, 1e-9);
  }
}

void ExpectSameBoard(const Board& x, const Board& y) {
  ASSERT_EQ(x.contestants.size(), y.contestants.size());
  for (std::size_t i = 0; i < x.contestants.size(); ++i) {
    const BoardRow& a = x.contestants[i];
    const BoardRow& b = y.contestants[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.rating, b.rating) << a.name;
    EXPECT_EQ(a.lower, b.lower) << a.name;
    EXPECT_EQ(a.upper, b.upper) << a.name;
    EXPECT_EQ(a.win_rate, b.win_rate) << a.name;
  }
  EXPECT_EQ(x.draws, y.draws);
  EXPECT_EQ(x.warnings, y.warnings);
}

TEST(BradleyTerry, TheOrderOfTheBattlesChangesNotOneBit) {
  std::vector<Result3> results = RandomResults(14, 8, 60, 500);
  // Some without an instruction, which are sampling units of their own.
  for (std::size_t i = 0; i < results.size(); i += 9) results[i].instruction.clear();
  std::vector<Result3> shuffled = results;
  Rng rng(3);
  std::shuffle(shuffled.begin(), shuffled.end(), rng);
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    for (const IntervalMethod interval : {IntervalMethod::kSandwich, IntervalMethod::kBootstrap}) {
      RatingOptions options;
      options.clustering = clustering;
      options.interval = interval;
      options.bootstrap_rounds = 20;
      ExpectSameBoard(MustRate(Collect(results), options), MustRate(Collect(shuffled), options));
    }
  }
}

TEST(BradleyTerry, NamesAndSidesDoNotMatter) {
  const std::vector<Result3> results = RandomResults(15, 8, 60, 500);
  std::vector<Result3> renamed = results;
  const auto rename = [](const std::string& name) {
    return std::string(1, static_cast<char>('z' - name[1])) + name;
  };
  for (std::size_t i = 0; i < renamed.size(); ++i) {
    renamed[i].a = rename(renamed[i].a);
    renamed[i].b = rename(renamed[i].b);
    if (i % 2 == 0) {
      std::swap(renamed[i].a, renamed[i].b);
      renamed[i].share = 1 - renamed[i].share;
    }
  }
  for (const IntervalMethod interval : {IntervalMethod::kSandwich, IntervalMethod::kBootstrap}) {
    RatingOptions options;
    options.interval = interval;
    const Board before = MustRate(Collect(results), options);
    const Board after = MustRate(Collect(renamed), options);
    for (const BoardRow& row : before.contestants) {
      const BoardRow& twin = Find(after, rename(row.name));
      EXPECT_NEAR(row.rating, twin.rating, 1e-8);
      EXPECT_NEAR(row.lower, twin.lower, 1e-8);
      EXPECT_NEAR(row.upper, twin.upper, 1e-8);
      EXPECT_EQ(row.rank, twin.rank);
    }
  }
}

TEST(BradleyTerry, MergedAndUnmergedRowsGiveTheSameBoard) {
  const std::vector<Result3> results = RandomResults(16, 8, 60, 500);
  RatingOptions options;
  options.clustering = Clustering::kNone;
  for (const IntervalMethod interval : {IntervalMethod::kSandwich, IntervalMethod::kBootstrap}) {
    options.interval = interval;
    ExpectSameBoard(MustRate(Collect(results, true), options),
                    MustRate(Collect(results, false), options));
  }
}

TEST(BradleyTerry, ThreadsDoNotChangeTheBootstrapAndSeedsDo) {
  const Dataset data = Collect(RandomResults(17, 8, 60, 500));
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    RatingOptions options;
    options.interval = IntervalMethod::kBootstrap;
    options.clustering = clustering;
    options.threads = 1;
    const Board one = MustRate(data, options);
    options.threads = 7;
    ExpectSameBoard(one, MustRate(data, options));
    options.seed = 2;
    EXPECT_NE(one.draws, MustRate(data, options).draws);
  }
}

}  // namespace
}  // namespace arena
