// Intervals against second methods: sandwich against bootstrap, and both against the truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/rate.h"

namespace arena {
namespace {

double Logistic(double x) { return 1 / (1 + std::exp(-x)); }

double DrawNormal(Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(1 - rng.Uniform()));
  return radius * std::cos(6.283185307179586 * rng.Uniform());
}

// An arena in which every contestant answers every instruction once, with a quality that is its
// skill plus luck of that answer, and all pairs meet on all instructions: an answer's luck is
// shared by all battles that it is in, so battles on one instruction are not independent.
struct SharedAnswers {
  std::vector<double> skill = {-0.9, -0.3, 0, 0.4, 0.8};
  double luck = 1.2;  // standard deviation of an answer's quality, in log odds

  Dataset Draw(Rng& rng, int instructions) const {
    Dataset data{DatasetOptions{}};
    std::vector<double> quality(skill.size());
    for (int q = 0; q < instructions; ++q) {
      const std::string instruction = "q" + std::to_string(q);
      for (std::size_t i = 0; i < skill.size(); ++i) quality[i] = skill[i] + luck * DrawNormal(rng);
      for (std::size_t a = 0; a < skill.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
          const double won = rng.Uniform() < Logistic(quality[a] - quality[b]) ? 1 : 0;
          data.AddResult("m" + std::to_string(a), "m" + std::to_string(b), instruction, won, 1);
        }
      }
    }
    return data;
  }

  // P(a beats b) over all answers, by the trapezoidal rule over the normal difference of lucks.
  double WinProbability(std::size_t a, std::size_t b) const {
    double sum = 0;
    double weight = 0;
    for (double z = -8; z <= 8; z += 0.01) {
      const double density = std::exp(-z * z / 2);
      sum += density * Logistic(skill[a] - skill[b] + luck * std::sqrt(2.0) * z);
      weight += density;
    }
    return sum / weight;
  }

  // What infinitely many instructions would give.
  std::map<std::string, double> Truth() const {
    Dataset data{DatasetOptions{}};
    for (std::size_t a = 0; a < skill.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        data.AddResult("m" + std::to_string(a), "m" + std::to_string(b), "", WinProbability(a, b),
                       1);
      }
    }
    std::map<std::string, double> truth;
    const auto board = Rate(data, RatingOptions{});
    for (const BoardRow& row : board->contestants) truth[row.name] = row.rating;
    return truth;
  }
};

double Coverage(const RatingOptions& options, int boards, int instructions) {
  const SharedAnswers arena;
  const std::map<std::string, double> truth = arena.Truth();
  int covered = 0;
  int intervals = 0;
  for (int i = 0; i < boards; ++i) {
    Rng rng(99, static_cast<std::uint64_t>(i));
    RatingOptions seeded = options;
    seeded.seed = static_cast<std::uint64_t>(i);
    const auto board = Rate(arena.Draw(rng, instructions), seeded);
    EXPECT_TRUE(board.ok());
    for (const BoardRow& row : board->contestants) {
      ++intervals;
      if (row.lower <= truth.at(row.name) && truth.at(row.name) <= row.upper) ++covered;
    }
  }
  return static_cast<double>(covered) / intervals;
}

/// How many boards to simulate: `standard`, or more where scripts/evidence.sh asks for it.
int Boards(int standard) {
  const char* factor = std::getenv("ARENA_COVERAGE_FACTOR");
  return standard * (factor == nullptr ? 1 : std::max(1, std::atoi(factor)));
}

// Intervals of one board are dependent; as if there were only two per board the deviation is:
double CoverageDeviation(int boards) { return std::sqrt(0.95 * 0.05 / (2 * boards)); }

TEST(Coverage, ClusteredSandwichCoversNinetyFivePercentAndTheIndependentFormDoesNot) {
  const int boards = Boards(500);
  RatingOptions options;
  const double clustered = Coverage(options, boards, 150);
  options.clustering = Clustering::kNone;
  const double independent = Coverage(options, boards, 150);
  std::printf("COVERAGE sandwich boards=%d clustered=%.2f%% independent=%.2f%%\n", boards,
              100 * clustered, 100 * independent);
  EXPECT_NEAR(clustered, 0.95, 3 * CoverageDeviation(boards) + 0.005);
  EXPECT_LT(independent, 0.92);
}

TEST(Coverage, ClusteredBootstrapCoversNinetyFivePercentAndTheIndependentFormDoesNot) {
  const int boards = Boards(150);
  RatingOptions options;
  options.interval = IntervalMethod::kBootstrap;
  options.bootstrap_rounds = 200;
  const double clustered = Coverage(options, boards, 100);
  options.clustering = Clustering::kNone;
  const double independent = Coverage(options, boards, 100);
  std::printf("COVERAGE bootstrap boards=%d clustered=%.2f%% independent=%.2f%%\n", boards,
              100 * clustered, 100 * independent);
  // Percentiles of 200 rounds are a little short of the exact ones.
  EXPECT_NEAR(clustered, 0.945, 3 * CoverageDeviation(boards) + 0.005);
  EXPECT_LT(independent, 0.92);
}

void ExpectSameWidths(RatingOptions options, const Dataset& data) {
  options.interval = IntervalMethod::kSandwich;
  const auto sandwich = Rate(data, options);
  options.interval = IntervalMethod::kBootstrap;
  options.bootstrap_rounds = 3000;
  const auto bootstrap = Rate(data, options);
  ASSERT_TRUE(sandwich.ok() && bootstrap.ok());
  for (std::size_t i = 0; i < sandwich->contestants.size(); ++i) {
    const BoardRow& x = sandwich->contestants[i];
    const BoardRow& y = bootstrap->contestants[i];
    ASSERT_EQ(x.name, y.name);
    EXPECT_NEAR(x.rating, y.rating, 0.1 * (x.upper - x.lower)) << x.name;
    if (x.upper > x.lower) {
      EXPECT_NEAR((y.upper - y.lower) / (x.upper - x.lower), 1, 0.1) << x.name;
    } else {
      EXPECT_EQ(y.upper, y.lower) << x.name;
    }
  }
}

TEST(Intervals, SandwichAndBootstrapAgree) {
  Rng rng(4);
  const Dataset data = SharedAnswers{}.Draw(rng, 400);
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    RatingOptions options;
    options.clustering = clustering;
    ExpectSameWidths(options, data);
    options.anchor = {"m2", 1000};
    ExpectSameWidths(options, data);
    options.anchor.reset();
    options.reweight_pairs = true;
    ExpectSameWidths(options, data);
  }
}

TEST(Intervals, ClusteringWidensByTheSharedAnswers) {
  Rng rng(5);
  const Dataset data = SharedAnswers{}.Draw(rng, 400);
  RatingOptions options;
  const auto clustered = Rate(data, options);
  options.clustering = Clustering::kNone;
  const auto independent = Rate(data, options);
  for (std::size_t i = 0; i < clustered->contestants.size(); ++i) {
    const BoardRow& x = clustered->contestants[i];
    const BoardRow& y = independent->contestants[i];
    EXPECT_GT(x.upper - x.lower, 1.1 * (y.upper - y.lower)) << x.name;
    EXPECT_EQ(x.rating, y.rating);
  }
}

TEST(Intervals, OneBattlePerInstructionMakesBothFormsTheSame) {
  Rng rng(6);
  Dataset data{DatasetOptions{}};
  for (int i = 0; i < 300; ++i) {
    const auto a = rng.Below(4);
    const auto b = (a + 1 + rng.Below(3)) % 4;
    data.AddResult("m" + std::to_string(a), "m" + std::to_string(b), "q" + std::to_string(i),
                   rng.Uniform() < 0.5 ? 1 : 0, 1);
  }
  RatingOptions options;
  const auto clustered = Rate(data, options);
  options.clustering = Clustering::kNone;
  const auto independent = Rate(data, options);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(clustered->contestants[i].lower, independent->contestants[i].lower, 1e-7);
  }
}

TEST(Intervals, BothGamesOfABattleAsRowsWidenTheClusteredIntervalBySqrtTwo) {
  // Two equal games are one piece of evidence: clustered, doubling every row changes nothing;
  // as independent rows it shrinks intervals by the root of 2.
  Rng rng(7);
  Dataset once{DatasetOptions{}};
  Dataset twice{DatasetOptions{}};
  for (int i = 0; i < 400; ++i) {
    const std::string a = "m" + std::to_string(i % 3);
    const std::string b = "m" + std::to_string((i + 1) % 3);
    const std::string instruction = "q" + std::to_string(i);
    const double share = rng.Uniform() < 0.6 ? 1 : 0;
    once.AddResult(a, b, instruction, share, 1);
    for (int game = 0; game < 2; ++game) twice.AddResult(a, b, instruction, share, 0.5);
  }
  const auto width = [](const Dataset& data, Clustering clustering) {
    RatingOptions options;
    options.clustering = clustering;
    const auto board = Rate(data, options);
    return board->contestants[0].upper - board->contestants[0].lower;
  };
  const double exact = width(once, Clustering::kInstruction);
  EXPECT_NEAR(width(twice, Clustering::kInstruction) / exact, 1, 1e-6);
  EXPECT_NEAR(width(twice, Clustering::kNone) / exact, 1 / std::sqrt(2.0), 1e-6);
}

TEST(Intervals, WinRatesOfBothKindsAgreeToo) {
  Rng rng(8);
  const Dataset data = SharedAnswers{}.Draw(rng, 300);
  RatingOptions options;
  options.method = RatingMethod::kWinRate;
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    options.clustering = clustering;
    options.baseline = "";
    ExpectSameWidths(options, data);
    options.baseline = "m1";
    ExpectSameWidths(options, data);
  }
}

}  // namespace
}  // namespace arena
