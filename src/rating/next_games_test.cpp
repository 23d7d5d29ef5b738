#include "rating/next_games.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/rng.h"
#include "rating/internal/rating_testing.h"

namespace arena {
namespace {

using rating_testing::LogOdds;
using rating_testing::MustRate;
using ::testing::HasSubstr;

PlayedGames Even(std::size_t size, double games) {
  PlayedGames played;
  played.strengths.assign(size, 0);
  played.games.assign(size, std::vector<double>(size, games));
  for (std::size_t i = 0; i < size; ++i) played.games[i][i] = 0;
  return played;
}

void Play(PlayedGames& played, const NextGame& game) {
  ++played.games[game.a][game.b];
  ++played.games[game.b][game.a];
}

TEST(NextGamesTest, WhoHasPlayedLittleComesFirst) {
  PlayedGames played = Even(4, 20);
  for (std::size_t i = 0; i < 3; ++i) played.games[i][3] = played.games[3][i] = 1;
  const auto games = ChooseNextGames(played, 10);
  ASSERT_TRUE(games.ok());
  for (const NextGame& game : *games) EXPECT_EQ(game.b, 3U);
}

TEST(NextGamesTest, AnOpenGameSaysMoreThanACertainOne) {
  PlayedGames played = Even(4, 10);
  played.strengths = {0, 0.1, 5, 5.1};
  const auto games = ChooseNextGames(played, 1);
  ASSERT_TRUE(games.ok());
  EXPECT_NE(games->front(), (NextGame{0, 3}));
  // The two groups hang together by games that are nearly certain: one of those is needed most,
  // and of those the least certain.
  EXPECT_EQ(games->front(), (NextGame{1, 2}));
}

TEST(NextGamesTest, EachChoiceIsTheBestOneByFullComputation) {
  Rng rng(5, 0);
  for (int round = 0; round < 20; ++round) {
    PlayedGames played = Even(5, 0);
    for (std::size_t i = 0; i < 5; ++i) {
      played.strengths[i] = 4 * rng.Uniform();
      for (std::size_t j = 0; j < i; ++j) {
        played.games[i][j] = played.games[j][i] = static_cast<double>(rng.Below(20));
      }
    }
    const auto chosen = ChooseNextGames(played, 6);
    ASSERT_TRUE(chosen.ok());
    for (const NextGame& game : *chosen) {
      double best = HUGE_VAL;
      for (std::size_t a = 0; a < 5; ++a) {
        for (std::size_t b = a + 1; b < 5; ++b) {
          PlayedGames other = played;
          Play(other, {a, b});
          best = std::min(best, *MeanStandardError(other));
        }
      }
      Play(played, game);
      EXPECT_NEAR(*MeanStandardError(played), best, 1e-9);
    }
  }
}

TEST(NextGamesTest, TheStandardErrorOfTwoIsKnown) {
  // Strengths of two that sum to zero: half the difference, whose information is n p (1 - p).
  PlayedGames played = Even(2, 400);
  EXPECT_NEAR(*MeanStandardError(played), 0.5 / std::sqrt(400 * 0.25), 1e-4);
}

TEST(NextGamesTest, WhatIsNoTableIsAnError) {
  PlayedGames played = Even(1, 0);
  EXPECT_THAT(ChooseNextGames(played, 1).error().message, HasSubstr("two contestants"));
  played = Even(3, 1);
  played.games[0][1] = 2;
  EXPECT_FALSE(ChooseNextGames(played, 1).ok());
  played = Even(3, 1);
  played.strengths[1] = NAN;
  EXPECT_FALSE(ChooseNextGames(played, 1).ok());
  played = Even(3, 1);
  played.games.pop_back();
  EXPECT_FALSE(MeanStandardError(played).ok());
}

/// Contestants of known strengths who play until the board is sure enough.
class Season {
 public:
  static constexpr std::size_t kContestants = 10;
  static constexpr std::size_t kBatch = 90;    // games between two looks at the board
  static constexpr double kWantedWidth = 0.8;  // mean width of the 95% intervals, in log odds

  explicit Season(std::uint64_t seed) : rng_(seed, 3) {
    options_.keep_clusters = false;
    data_ = std::make_unique<Dataset>(options_);
    played_ = Even(kContestants, 0);
    for (std::size_t i = 0; i < kContestants; ++i) {
      truth_.push_back(0.5 * (static_cast<double>(i) - 4.5));
      names_.push_back(std::string(1, static_cast<char>('a' + i)));
    }
    for (int round = 0; round < 4; ++round) PlayAllPairs();
  }

  /// Plays to the end and returns the number of games.
  double Finish(bool adaptive) {
    while (true) {
      board_ = MustRate(*data_, LogOdds());
      double width = 0;
      for (const BoardRow& row : board_.contestants) width += row.upper - row.lower;
      if (width / kContestants <= kWantedWidth) return static_cast<double>(data_->battles());
      if (adaptive) {
        PlayChosen();
      } else {
        PlayAllPairs();
        PlayAllPairs();
      }
    }
  }

  /// How many of the true strengths lie in their intervals.
  int Covered() const {
    int covered = 0;
    for (std::size_t i = 0; i < kContestants; ++i) {
      const BoardRow& row = rating_testing::Find(board_, names_[i]);
      covered += row.lower <= truth_[i] && truth_[i] <= row.upper ? 1 : 0;
    }
    return covered;
  }

 private:
  void PlayOne(const NextGame& game) {
    const double p = 1 / (1 + std::exp(truth_[game.b] - truth_[game.a]));
    data_->AddResult(names_[game.a], names_[game.b], "", rng_.Uniform() < p ? 1 : 0, 1);
    Play(played_, game);
  }
  void PlayAllPairs() {
    for (std::size_t a = 0; a < kContestants; ++a) {
      for (std::size_t b = a + 1; b < kContestants; ++b) PlayOne({a, b});
    }
  }
  void PlayChosen() {
    RatingOptions shrunk = LogOdds();
    shrunk.ridge = 0.5;
    const Board board = MustRate(*data_, shrunk);
    for (std::size_t i = 0; i < kContestants; ++i) {
      played_.strengths[i] = rating_testing::Find(board, names_[i]).rating;
    }
    const auto games = ChooseNextGames(played_, kBatch);
    ASSERT_TRUE(games.ok());
    for (const NextGame& game : *games) PlayOne(game);
  }

  Rng rng_;
  DatasetOptions options_;
  std::unique_ptr<Dataset> data_;
  PlayedGames played_;
  std::vector<double> truth_;
  std::vector<std::string> names_;
  Board board_;
};

TEST(NextGamesSimulationTest, ChosenGamesReachTheSameWidthSoonerAndKeepTheCoverage) {
  constexpr int kSeasons = 60;
  double sum = 0;
  double squares = 0;
  int covered = 0;
  for (int season = 0; season < kSeasons; ++season) {
    const auto seed = static_cast<std::uint64_t>(season);
    Season uniform(seed);
    Season adaptive(seed + 1000);
    const double log_ratio = std::log(adaptive.Finish(true) / uniform.Finish(false));
    sum += log_ratio;
    squares += log_ratio * log_ratio;
    covered += adaptive.Covered();
  }
  const double mean = sum / kSeasons;
  const double error = std::sqrt((squares / kSeasons - mean * mean) / (kSeasons - 1));
  const double upper = std::exp(mean + 1.96 * error);
  const double coverage = static_cast<double>(covered) / (kSeasons * Season::kContestants);
  RecordProperty("ratio", std::to_string(std::exp(mean)));
  std::printf("games of adaptive to uniform choice: %.3f (%.3f to %.3f), coverage %.3f\n",
              std::exp(mean), std::exp(mean - 1.96 * error), upper, coverage);
  EXPECT_LT(upper, 0.95);
  EXPECT_GT(coverage, 0.92);
  EXPECT_LT(coverage, 0.98);
}

}  // namespace
}  // namespace arena
