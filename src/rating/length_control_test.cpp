#include "rating/length_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/rng.h"
#include "rating/internal/length_control_fit.h"

namespace arena {
namespace {

using rating_internal::LengthRow;
using rating_internal::LengthVector;
using testing::HasSubstr;

struct OwnedResult {
  std::string a;
  std::string b;
  std::string instruction;
  double share = 0.5;
  double length_a = 0;
  double length_b = 0;
};

Dataset MakeData(const std::vector<OwnedResult>& results) {
  Dataset data({.outcome = {.policy = OutcomePolicy::kEachGame}, .keep_style = true});
  for (const OwnedResult& one : results) {
    BattleRecord record;
    record.instruction = one.instruction;
    record.model_a = one.a;
    record.model_b = one.b;
    record.games[0].share_a = one.share;
    record.style_a = StyleCounts{.tokens = one.length_a};
    record.style_b = StyleCounts{.tokens = one.length_b};
    EXPECT_TRUE(data.Add(record).ok());
  }
  return data;
}

std::map<std::string, BoardRow> ByName(const Board& board) {
  std::map<std::string, BoardRow> rows;
  for (const BoardRow& row : board.contestants) rows[row.name] = row;
  return rows;
}

/// "short" is good and terse, "long" is poor and wordy; judged with a taste for length.
std::vector<OwnedResult> Simulated(std::uint64_t seed, int instructions) {
  Rng rng(seed);
  std::vector<OwnedResult> results;
  for (int i = 0; i < instructions; ++i) {
    for (const auto& [name, shift, theta] :
         {std::tuple("short", -60.0, 0.5), std::tuple("long", 60.0, -0.5)}) {
      const double difference = shift + 200 * rng.Uniform() - 100;
      const double p = 1 / (1 + std::exp(-(1.5 * std::tanh(difference / 57.7) + theta)));
      results.push_back({"base", name, "i" + std::to_string(i), rng.Uniform() < p ? 0.0 : 1.0, 500,
                         500 + difference});
    }
  }
  return results;
}

std::vector<LengthRow> RandomRows(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  std::vector<LengthRow> rows(count);
  for (LengthRow& row : rows) {
    row.x = {2 * rng.Uniform() - 1, 3 * rng.Uniform() - 1, 1};
    const double logit = row.x[0] + 0.5 * row.x[1] - 1;
    row.target = std::clamp(rating_internal::Logistic(logit + 2 * rng.Uniform() - 1), 0.0, 1.0);
    row.weight = 0.5 + rng.Uniform();
  }
  return rows;
}

/// Gradient of the weighted cross entropy, by definition.
LengthVector Gradient(const std::vector<LengthRow>& rows, const LengthVector& w) {
  LengthVector gradient{};
  for (const LengthRow& row : rows) {
    const double p = 1 / (1 + std::exp(-(w[0] * row.x[0] + w[1] * row.x[1] + w[2] * row.x[2])));
    for (std::size_t k = 0; k < 3; ++k) gradient[k] += row.weight * (p - row.target) * row.x[k];
  }
  return gradient;
}

TEST(LengthControlFitTest, RidgeHasNoGradientLeft) {
  const std::vector<LengthRow> rows = RandomRows(1, 300);
  for (const double ridge : {1e-6, 1.0, 50.0}) {
    const LengthVector w = rating_internal::FitRidge(rows, ridge);
    const LengthVector gradient = Gradient(rows, w);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(gradient[k] + ridge * w[k], 0, 1e-6);
  }
}

TEST(LengthControlFitTest, LassoMeetsItsConditions) {
  const std::vector<LengthRow> rows = RandomRows(2, 300);
  int zeros = 0;
  for (const double c : {1e-3, 0.02, 0.05, 0.2, 10.0, 1e4}) {
    const LengthVector w = rating_internal::FitLasso(rows, c, {});
    const LengthVector gradient = Gradient(rows, w);
    for (std::size_t k = 0; k < 3; ++k) {
      if (w[k] == 0) {
        ++zeros;
        EXPECT_LE(std::abs(c * gradient[k]), 1 + 1e-4);
      } else {
        EXPECT_NEAR(c * gradient[k], w[k] > 0 ? -1 : 1, 1e-3 * std::max(1.0, c));
      }
    }
  }
  EXPECT_GE(zeros, 3);
}

TEST(LengthControlFitTest, BothFitsMeetWhereThePenaltyVanishes) {
  const std::vector<LengthRow> rows = RandomRows(3, 400);
  const LengthVector ridge = rating_internal::FitRidge(rows, 1e-9);
  const LengthVector lasso = rating_internal::FitLasso(rows, 1e6, {});
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(ridge[k], lasso[k], 1e-5);
}

TEST(LengthControlFitTest, CrossValidationPenalisesNoiseAndNotSignal) {
  std::vector<LengthRow> noise = RandomRows(4, 60);
  Rng rng(5);
  for (LengthRow& row : noise) row.target = rng.Below(2) == 0 ? 1 : 0;
  EXPECT_LT(rating_internal::ChooseInversePenalty(noise), 1);
  EXPECT_GT(rating_internal::ChooseInversePenalty(RandomRows(6, 400)), 0.1);
}

TEST(LengthControlTest, WithoutLengthDifferencesItIsTheRawWinRate) {
  std::vector<OwnedResult> results;
  for (int i = 0; i < 50; ++i) {
    results.push_back({"base", "m", std::to_string(i), i < 20 ? 0.0 : 0.75, 100, 100});
  }
  const auto board = RateLengthControlled(MakeData(results), {.baseline = "base"});
  ASSERT_TRUE(board.ok()) << board.error().message;
  const auto rows = ByName(*board);
  const double raw = 100 * (20 + 30 * 0.25) / 50;
  EXPECT_NEAR(rows.at("m").win_rate, raw, 1e-9);
  EXPECT_NEAR(*rows.at("m").lc_win_rate, raw, 0.01);
  EXPECT_EQ(rows.at("m").rating, *rows.at("m").lc_win_rate);
  EXPECT_EQ(*rows.at("base").lc_win_rate, 50);
  EXPECT_EQ(rows.at("base").upper, 50);
  EXPECT_EQ(board->method, "lc");
  EXPECT_THAT(board->warnings.back(), HasSubstr("without AlpacaEval's tables"));
}

TEST(LengthControlTest, ConstantDifferenceHasNoLengthTerm) {
  // All differences alike: nothing can be said of length, and the raw rate remains.
  std::vector<OwnedResult> results;
  for (int i = 0; i < 20; ++i) {
    results.push_back({"m", "base", std::to_string(i), i < 5 ? 1.0 : 0.0, 300, 100});
  }
  const auto fits = FitLengthControl(MakeData(results), {.baseline = "base"});
  ASSERT_TRUE(fits.ok());
  EXPECT_EQ(fits->at(0).deviation, 0);
  EXPECT_EQ(fits->at(0).phi, 0);
  EXPECT_NEAR(fits->at(0).lc_win_rate, 25, 0.01);
}

TEST(LengthControlTest, TasteForLengthIsTakenOut) {
  const auto board = RateLengthControlled(MakeData(Simulated(1, 2000)), {});
  ASSERT_TRUE(board.ok()) << board.error().message;
  const auto rows = ByName(*board);
  // Raw, the wordy one is ahead; at even lengths it is behind: 100 * logistic(+-0.5).
  EXPECT_GT(rows.at("long").win_rate, rows.at("short").win_rate);
  EXPECT_NEAR(*rows.at("short").lc_win_rate, 62.2, 3.5);
  EXPECT_NEAR(*rows.at("long").lc_win_rate, 37.8, 3.5);
  EXPECT_LT(rows.at("short").lower, 62.2);
  EXPECT_GT(rows.at("short").upper, 62.2);
}

TEST(LengthControlTest, SandwichAndBootstrapAgree) {
  const Dataset data = MakeData(Simulated(2, 600));
  const auto sandwich = RateLengthControlled(data, {});
  const auto bootstrap =
      RateLengthControlled(data, {.interval = IntervalMethod::kBootstrap, .bootstrap_rounds = 500});
  ASSERT_TRUE(sandwich.ok() && bootstrap.ok());
  const auto x = ByName(*sandwich);
  const auto y = ByName(*bootstrap);
  for (const char* name : {"short", "long"}) {
    EXPECT_NEAR(x.at(name).rating, y.at(name).rating, 0.4);
    EXPECT_NEAR(x.at(name).upper - x.at(name).lower, y.at(name).upper - y.at(name).lower, 1.0);
  }
  EXPECT_EQ(bootstrap->draws.size(), 500U);
  EXPECT_EQ(bootstrap->ci, "bootstrap");
}

TEST(LengthControlTest, DifficultyTermIsFittedAndItsSpreadIsInTheInterval) {
  Rng rng(12);
  std::vector<OwnedResult> results;
  LengthControlOptions tables;
  double even = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string id = "i" + std::to_string(i);
    const double difficulty = 3 * rng.Uniform() - 1.5;
    const double difference = 200 * rng.Uniform() - 100;
    const double logit = 1.2 * std::tanh(difference / 57.7) + 0.8 * difficulty - 1;
    tables.difficulty[id] = difficulty;
    even += 100 * rating_internal::Logistic(0.8 * difficulty - 1) / 3000;
    results.push_back({"base", "m", id,
                       rng.Uniform() < rating_internal::Logistic(logit) ? 0.0 : 1.0, 500,
                       500 + difference});
  }
  const Dataset data = MakeData(results);
  const RatingOptions options{.baseline = "base"};
  for (const LengthControlFit fit :
       {LengthControlFit::kRidge, LengthControlFit::kCrossValidatedLasso}) {
    tables.fit = fit;
    const auto fits = FitLengthControl(data, options, tables);
    ASSERT_TRUE(fits.ok()) << fits.error().message;
    EXPECT_NEAR(fits->at(0).phi, 1.2, 0.2);
    EXPECT_NEAR(fits->at(0).psi, 0.8, 0.15);
    EXPECT_NEAR(fits->at(0).theta, -1, 0.15);
    EXPECT_NEAR(fits->at(0).lc_win_rate, even, 2.5);
    EXPECT_EQ(fits->at(0).inverse_penalty > 0, fit == LengthControlFit::kCrossValidatedLasso);
  }
  tables.fit = LengthControlFit::kRidge;
  const auto sandwich = RateLengthControlled(data, options, tables);
  RatingOptions resampled = options;
  resampled.interval = IntervalMethod::kBootstrap;
  resampled.bootstrap_rounds = 300;
  const auto bootstrap = RateLengthControlled(data, resampled, tables);
  ASSERT_TRUE(sandwich.ok() && bootstrap.ok());
  const BoardRow x = ByName(*sandwich).at("m");
  const BoardRow y = ByName(*bootstrap).at("m");
  EXPECT_NEAR(x.upper - x.lower, y.upper - y.lower, 0.5);
}

TEST(LengthControlTest, GamedRowsPullTheLengthTerm) {
  const Dataset data = MakeData(Simulated(3, 100));
  LengthControlOptions tables;
  for (int i = 0; i < 4000; ++i) {
    // Two gamed baselines; in them length does nothing at all.
    tables.gamed.push_back({i % 2 == 0 ? "concise" : "verbose", 0.5, i % 2 == 0 ? 1.0 : -1.0, 0});
  }
  const auto plain = FitLengthControl(data, {}, {});
  const auto pulled = FitLengthControl(data, {}, tables);
  ASSERT_TRUE(plain.ok() && pulled.ok());
  for (std::size_t m = 0; m < 2; ++m) {
    EXPECT_GT(plain->at(m).phi, 0.7);
    EXPECT_LT(std::abs(pulled->at(m).phi), 0.5 * plain->at(m).phi);
  }
  // The weight counts per gamed baseline: twice the baselines at twice the weight is the same.
  LengthControlOptions doubled = tables;
  doubled.gamed_weight = 0.4;
  for (std::size_t i = 0; i < doubled.gamed.size(); ++i) {
    doubled.gamed[i].model = "gamed " + std::to_string(i % 4);
  }
  const auto same = FitLengthControl(data, {}, doubled);
  ASSERT_TRUE(same.ok());
  EXPECT_NEAR(same->at(0).phi, pulled->at(0).phi, 1e-9);
}

TEST(LengthControlTest, ListingRowOrderAndThreadsChangeNothing) {
  std::vector<OwnedResult> results = Simulated(4, 150);
  RatingOptions options{.interval = IntervalMethod::kBootstrap, .bootstrap_rounds = 20};
  options.threads = 1;
  const auto plain = RateLengthControlled(MakeData(results), options);
  for (std::size_t i = 0; i < results.size(); i += 2) {
    std::swap(results[i].a, results[i].b);
    std::swap(results[i].length_a, results[i].length_b);
    results[i].share = 1 - results[i].share;
  }
  std::reverse(results.begin(), results.end());
  options.threads = 4;
  const auto turned = RateLengthControlled(MakeData(results), options);
  ASSERT_TRUE(plain.ok() && turned.ok());
  EXPECT_EQ(plain->draws, turned->draws);
  EXPECT_EQ(plain->contestants[0].rating, turned->contestants[0].rating);
}

TEST(LengthControlTest, NeverWinningStaysFinite) {
  std::vector<OwnedResult> results;
  for (int i = 0; i < 30; ++i) {
    results.push_back({"base", "m", std::to_string(i), 1, 100, 80.0 + i});
  }
  for (const IntervalMethod interval : {IntervalMethod::kSandwich, IntervalMethod::kBootstrap}) {
    const auto board =
        RateLengthControlled(MakeData(results), {.interval = interval, .baseline = "base"});
    ASSERT_TRUE(board.ok());
    const BoardRow row = ByName(*board).at("m");
    EXPECT_TRUE(std::isfinite(row.lower) && std::isfinite(row.upper));
    EXPECT_GE(row.rating, 0);
    EXPECT_LT(row.rating, 1);
  }
}

TEST(LengthControlTest, BaselineIsTheCommonOpponentUnlessTwoCouldBe) {
  const auto pair = RateLengthControlled(MakeData({{"x", "y", "1", 1, 10, 20}}), {});
  ASSERT_FALSE(pair.ok());
  EXPECT_THAT(pair.error().message, HasSubstr("either of 'x' and 'y'"));
  std::vector<OwnedResult> ring = {
      {"x", "y", "1", 1, 10, 20}, {"y", "z", "1", 1, 10, 20}, {"x", "z", "1", 1, 10, 20}};
  EXPECT_THAT(RateLengthControlled(MakeData(ring), {}).error().message, HasSubstr("name one"));
  const auto named = RateLengthControlled(MakeData(ring), {.baseline = "x"});
  ASSERT_TRUE(named.ok());
  EXPECT_THAT(named->warnings.at(0), HasSubstr("1 results without the baseline 'x'"));
  ring.pop_back();
  EXPECT_THAT(RateLengthControlled(MakeData(ring), {.baseline = "x"}).error().message,
              HasSubstr("'z' has no judged battle"));
  EXPECT_FALSE(RateLengthControlled(MakeData(ring), {.baseline = "w"}).ok());
}

TEST(LengthControlTest, UnfitTablesAndDatasetsAreErrors) {
  const Dataset data = MakeData(Simulated(5, 5));
  LengthControlOptions tables;
  tables.difficulty["i1"] = 1;
  EXPECT_THAT(RateLengthControlled(data, {}, tables).error().message, HasSubstr("4 of 5"));
  tables.difficulty["i1"] = std::nan("");
  EXPECT_FALSE(RateLengthControlled(data, {}, tables).ok());
  EXPECT_FALSE(RateLengthControlled(data, {}, {.ridge = 0}).ok());
  EXPECT_FALSE(RateLengthControlled(data, {}, {.gamed = {{"g", 1.5, 0, 0}}}).ok());
  Dataset without_style(DatasetOptions{});
  without_style.AddResult("a", "b", "1", 1, 1);
  EXPECT_THAT(RateLengthControlled(without_style, {}).error().message, HasSubstr("style"));
}

}  // namespace
}  // namespace arena
