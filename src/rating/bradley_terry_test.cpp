#include "rating/bradley_terry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"

namespace arena {
namespace {

using testing::HasSubstr;

struct Result3 {
  std::string a;
  std::string b;
  double share;
  double weight = 1;
  std::string instruction;
};

Dataset Collect(const std::vector<Result3>& results, bool clusters = true) {
  DatasetOptions options;
  options.keep_clusters = clusters;
  Dataset data(options);
  for (const Result3& r : results) data.AddResult(r.a, r.b, r.instruction, r.share, r.weight);
  return data;
}

// Plain log odds around zero, no clusters, next to no ridge.
RatingOptions LogOdds() {
  RatingOptions options;
  options.clustering = Clustering::kNone;
  options.scale = 1;
  options.base = std::exp(1.0);
  options.center = 0;
  options.ridge = 0;
  return options;
}

Board MustRate(const Dataset& data, const RatingOptions& options) {
  auto board = Rate(data, options);
  EXPECT_TRUE(board.ok()) << board.error().message;
  return board.ok() ? *board : Board{};
}

const BoardRow& Find(const Board& board, const std::string& name) {
  const auto found = std::find_if(board.contestants.begin(), board.contestants.end(),
                                  [&](const BoardRow& row) { return row.name == name; });
  EXPECT_NE(found, board.contestants.end()) << name;
  return *found;
}

void AddGames(std::vector<Result3>& results, const std::string& a, const std::string& b, int won,
              int lost) {
  for (int i = 0; i < won; ++i) results.push_back({a, b, 1, 1, ""});
  for (int i = 0; i < lost; ++i) results.push_back({b, a, 1, 1, ""});
}

// Ratings with clusters of several battles, ties, fractions and weights.
std::vector<Result3> RandomResults(std::uint64_t seed, int contestants, int instructions,
                                   int battles) {
  Rng rng(seed);
  std::vector<Result3> results;
  for (int i = 0; i < battles; ++i) {
    const auto a = rng.Below(static_cast<std::uint64_t>(contestants));
    auto b = rng.Below(static_cast<std::uint64_t>(contestants) - 1);
    if (b >= a) ++b;
    const double gap = 0.4 * (static_cast<double>(b) - static_cast<double>(a));
    const double p = 1 / (1 + std::exp(-gap));
    const double u = rng.Uniform();
    const double share = u < 0.1 ? 0.5 : u < 0.15 ? 0.25 : (rng.Uniform() < p ? 1 : 0);
    results.push_back({"m" + std::to_string(a), "m" + std::to_string(b), share,
                       rng.Below(4) == 0 ? 0.5 : 1,
                       "q" + std::to_string(rng.Below(static_cast<std::uint64_t>(instructions)))});
  }
  return results;
}

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

TEST(BradleyTerry, AnUndefeatedContestantStaysFiniteAndIsNamed) {
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

TEST(BradleyTerry, AGroupThatNeverLostToTheRestIsNamed) {
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

TEST(BradleyTerry, GroupsThatNeverMetAreReportedAndCentredAlike) {
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

TEST(BradleyTerry, EmptyAndVoidInputsAreErrors) {
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

TEST(BradleyTerry, ContestantsWithOnlyVoidBattlesAreLeftOutWithAWarning) {
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

TEST(BradleyTerry, RanksCountTheContestantsThatAreClearlyAbove) {
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

TEST(BradleyTerry, TheWinMatrixIsInBoardOrder) {
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

TEST(BradleyTerry, FallsBackToIndependentBattlesWithoutInstructions) {
  std::vector<Result3> results;
  AddGames(results, "a", "b", 6, 4);
  const Board board = MustRate(Collect(results), RatingOptions{});
  EXPECT_EQ(board.cluster, "none");
  EXPECT_THAT(board.warnings, testing::ElementsAre(HasSubstr("names its instruction")));
}

TEST(BradleyTerry, WrongOptionsAreErrorsThatSayWhich) {
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
