#include "rating/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace arena {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Entry {
  std::string name;
  double rating;
  double half_width = 0;
};

Board MakeBoard(const std::vector<Entry>& entries) {
  Board board;
  for (const Entry& entry : entries) {
    BoardRow row;
    row.name = entry.name;
    row.rating = entry.rating;
    row.lower = entry.rating - entry.half_width;
    row.upper = entry.rating + entry.half_width;
    board.contestants.push_back(row);
  }
  return board;
}

Board RandomBoard(std::uint64_t seed, std::size_t n) {
  Rng rng(seed);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < n; ++i) {
    entries.push_back({std::string(1, static_cast<char>('a' + i)), 1000 * rng.Uniform(),
                       10 + 100 * rng.Uniform()});
  }
  return MakeBoard(entries);
}

TEST(AgreementTest, RankCorrelationsOfFourWithOneSwap) {
  const Board board = MakeBoard({{"a", 4}, {"b", 3}, {"c", 2}, {"d", 1}});
  const Board reference = MakeBoard({{"b", 40}, {"a", 30}, {"c", 2}, {"d", 1}});
  const auto result = CompareBoards(board, reference);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NEAR(result->spearman->value, 0.8, 1e-12);     // 1 - 6*2/(4*15)
  EXPECT_NEAR(result->kendall->value, 4.0 / 6, 1e-12);  // 5 pairs alike, 1 not
  EXPECT_EQ(result->pairs, 6);
}

TEST(AgreementTest, RankCorrelationsShareRanksOfEqualRatings) {
  const Board board = MakeBoard({{"a", 1}, {"b", 2}, {"c", 2}, {"d", 3}});
  const Board reference = MakeBoard({{"a", 1}, {"b", 2}, {"c", 3}, {"d", 3}});
  const auto result = CompareBoards(board, reference);
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->spearman->value, 3.75 / 4.5, 1e-12);  // ranks 1 2.5 2.5 4 and 1 2 3.5 3.5
  EXPECT_NEAR(result->kendall->value, 0.8, 1e-12);          // 4 / sqrt(5 * 5)
}

TEST(AgreementTest, BothMeansOfConfidentAgreementAreGiven) {
  // Board: a and b overlap, all others are apart. Reference: c and d overlap, b is above a.
  const Board board = MakeBoard({{"a", 40, 3}, {"b", 38, 3}, {"c", 20, 1}, {"d", 10, 1}});
  const Board reference = MakeBoard({{"a", 30, 1}, {"b", 40, 1}, {"c", 12, 5}, {"d", 35, 1}});
  const auto result = CompareBoards(board, reference);
  ASSERT_TRUE(result.ok());
  // ab: 0 (board unsure); ac +1; ad: board up, reference down -1; bc +1; bd +1; cd: board c above
  // d, reference d above c -1.
  EXPECT_NEAR(result->agreement_all_pairs.value, 1.0 / 6, 1e-12);
  EXPECT_NEAR(result->agreement_reference_pairs->value, 1.0 / 6, 1e-12);
  EXPECT_NEAR(result->differentiation.value, 5.0 / 6, 1e-12);
  EXPECT_NEAR(result->reference_differentiation.value, 1, 1e-12);

  const Board vague = MakeBoard({{"a", 30, 1}, {"b", 40, 1}, {"c", 12, 5}, {"d", 15, 5}});
  const auto other = CompareBoards(board, vague);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->reference_pairs, 5);  // all but cd
  EXPECT_NEAR(other->agreement_all_pairs.value, 4.0 / 6, 1e-12);
  EXPECT_NEAR(other->agreement_reference_pairs->value, 4.0 / 5, 1e-12);
}

TEST(AgreementTest, IntervalsThatTouchOverlap) {
  const Board board = MakeBoard({{"a", 3, 1}, {"b", 1, 1}});
  const auto result = CompareBoards(board, board);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->differentiation.value, 0);
  EXPECT_EQ(result->agreement_all_pairs.value, 0);
  EXPECT_FALSE(result->agreement_reference_pairs.has_value());
}

TEST(AgreementTest, BrierUsesTheShareOfDraws) {
  Board board = MakeBoard({{"a", 2, 1}, {"b", 1, 1}});
  board.draws = {{2, 1}, {3, 1}, {1, 2}, {2, 2}};  // a above b in 2.5 of 4
  const auto agrees = CompareBoards(board, MakeBoard({{"a", 2}, {"b", 1}}));
  const auto opposes = CompareBoards(board, MakeBoard({{"b", 2}, {"a", 1}}));
  const auto tied = CompareBoards(board, MakeBoard({{"b", 1}, {"a", 1}}));
  ASSERT_TRUE(agrees.ok() && opposes.ok() && tied.ok());
  EXPECT_NEAR(agrees->brier.value, 0.375 * 0.375, 1e-12);
  EXPECT_NEAR(opposes->brier.value, 0.625 * 0.625, 1e-12);
  EXPECT_NEAR(tied->brier.value, 0.125 * 0.125, 1e-12);
}

TEST(AgreementTest, BrierWithoutDrawsUsesTheIntervals) {
  // Standard deviations of 3 and 4: the gap of 5 is one standard deviation of itself.
  const double z = 1.959963984540054;
  const Board board = MakeBoard({{"a", 15, 3 * z}, {"b", 10, 4 * z}});
  const auto result = CompareBoards(board, MakeBoard({{"a", 2}, {"b", 1}}));
  ASSERT_TRUE(result.ok());
  const double p = 0.841344746068543;
  EXPECT_NEAR(result->brier.value, (1 - p) * (1 - p), 1e-9);
}

TEST(AgreementTest, BrierFromDrawsNearsTheOneFromIntervals) {
  const double z = 1.959963984540054;
  Board board = MakeBoard({{"a", 15, 3 * z}, {"b", 10, 4 * z}, {"c", 4, 5 * z}});
  const Board reference = MakeBoard({{"a", 3}, {"c", 2}, {"b", 1}});
  const auto by_interval = CompareBoards(board, reference);
  Rng rng(7);
  const auto normal = [&rng] {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += rng.Uniform();
    return sum;
  };
  for (int round = 0; round < 20000; ++round) {
    board.draws.push_back({15 + 3 * normal(), 10 + 4 * normal(), 4 + 5 * normal()});
  }
  const auto by_draws = CompareBoards(board, reference);
  ASSERT_TRUE(by_interval.ok() && by_draws.ok());
  EXPECT_NEAR(by_draws->brier.value, by_interval->brier.value, 0.01);
  EXPECT_NEAR(by_draws->brier.lower, by_interval->brier.lower, 0.05);
  EXPECT_NEAR(by_draws->brier.upper, by_interval->brier.upper, 0.05);
}

TEST(AgreementTest, DrawsKeepContestantsThatVaryTogetherInOrder) {
  // Everyone goes up and down together: the order is certain although the intervals are wide.
  Board board = MakeBoard({{"a", 3, 50}, {"b", 2, 50}, {"c", 1, 50}});
  for (int k = -20; k <= 20; ++k) board.draws.push_back({3.0 + k, 2.0 + k, 1.0 + k});
  const auto result = CompareBoards(board, MakeBoard({{"a", 3}, {"b", 2}, {"c", 1}}));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->spearman->lower, 1);
  EXPECT_EQ(result->brier.upper, 0);
  board.draws.clear();
  const auto independent = CompareBoards(board, MakeBoard({{"a", 3}, {"b", 2}, {"c", 1}}));
  EXPECT_LT(independent->spearman->lower, 0);
}

TEST(AgreementTest, IntervalsHoldTheirValues) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto result = CompareBoards(RandomBoard(seed, 8), RandomBoard(seed + 100, 8),
                                      {.rounds = 50, .seed = seed});
    ASSERT_TRUE(result.ok());
    for (const Figure& figure :
         {*result->spearman, *result->kendall, result->agreement_all_pairs, result->differentiation,
          result->reference_differentiation, result->brier}) {
      EXPECT_LE(figure.lower, figure.value);
      EXPECT_GE(figure.upper, figure.value);
      EXPECT_GE(figure.lower, -1);
      EXPECT_LE(figure.upper, 1);
    }
  }
}

TEST(AgreementTest, SwappingBoardsKeepsTheSymmetricFigures) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Board x = RandomBoard(seed, 9);
    const Board y = RandomBoard(seed + 100, 9);
    const auto one = CompareBoards(x, y, {.rounds = 5});
    const auto two = CompareBoards(y, x, {.rounds = 5});
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_NEAR(one->spearman->value, two->spearman->value, 1e-12);
    EXPECT_NEAR(one->kendall->value, two->kendall->value, 1e-12);
    EXPECT_NEAR(one->agreement_all_pairs.value, two->agreement_all_pairs.value, 1e-12);
    EXPECT_EQ(one->differentiation.value, two->reference_differentiation.value);
    EXPECT_EQ(one->disagreements.size(), two->disagreements.size());
  }
}

TEST(AgreementTest, TurningTheReferenceAroundTurnsTheSigns) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Board board = RandomBoard(seed, 9);
    const Board reference = RandomBoard(seed + 100, 9);
    Board turned = reference;
    for (BoardRow& row : turned.contestants) {
      row.rating = -row.rating;
      row.lower = -row.lower;
      row.upper = -row.upper;
      std::swap(row.lower, row.upper);
    }
    const auto one = CompareBoards(board, reference, {.rounds = 5});
    const auto two = CompareBoards(board, turned, {.rounds = 5});
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_NEAR(one->spearman->value, -two->spearman->value, 1e-12);
    EXPECT_NEAR(one->kendall->value, -two->kendall->value, 1e-12);
    EXPECT_NEAR(one->agreement_all_pairs.value, -two->agreement_all_pairs.value, 1e-12);
    EXPECT_EQ(one->disagreements.size() + two->disagreements.size(), 36U);
  }
}

TEST(AgreementTest, OrderOfRowsAndNumberOfThreadsChangeNothing) {
  const Board board = RandomBoard(3, 12);
  const Board reference = RandomBoard(4, 12);
  Board shuffled = board;
  std::reverse(shuffled.contestants.begin(), shuffled.contestants.end());
  const auto one = CompareBoards(board, reference, {.rounds = 100, .threads = 1});
  const auto two = CompareBoards(shuffled, reference, {.rounds = 100, .threads = 4});
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->spearman->lower, two->spearman->lower);
  EXPECT_EQ(one->brier.upper, two->brier.upper);
  EXPECT_EQ(one->kendall->upper, two->kendall->upper);
  const auto reseeded = CompareBoards(board, reference, {.rounds = 100, .seed = 2});
  EXPECT_NE(one->brier.upper, reseeded->brier.upper);
}

TEST(AgreementTest, PairsThatDisagreeAreListedWithTheConfidentFirst) {
  const Board board = MakeBoard({{"a", 40, 1}, {"b", 30, 20}, {"c", 20, 1}});
  const Board reference = MakeBoard({{"a", 10, 1}, {"b", 100, 1}, {"c", 20, 1}});
  const auto result = CompareBoards(board, reference);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->disagreements.size(), 2U);
  const PairDisagreement& first = result->disagreements[0];
  EXPECT_EQ(first.above, "a");
  EXPECT_EQ(first.below, "c");
  EXPECT_EQ(first.board_gap, 20);
  EXPECT_EQ(first.reference_gap, -10);
  EXPECT_TRUE(first.board_separates && first.reference_separates);
  EXPECT_EQ(result->disagreements[1].below, "b");
  EXPECT_FALSE(result->disagreements[1].board_separates);
}

TEST(AgreementTest, ContestantsOfOneBoardOnlyAreListedAndLeftOut) {
  const auto result = CompareBoards(MakeBoard({{"x", 9}, {"a", 2}, {"b", 1}}),
                                    MakeBoard({{"a", 2}, {"b", 1}, {"y", 5}, {"z", 6}}));
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->common, ElementsAre("a", "b"));
  EXPECT_THAT(result->only_board, ElementsAre("x"));
  EXPECT_THAT(result->only_reference, ElementsAre("y", "z"));
  EXPECT_EQ(result->spearman->value, 1);
}

TEST(AgreementTest, OnePairIsEnoughAndCertainBoardsAreWarnedOf) {
  const auto result =
      CompareBoards(MakeBoard({{"a", 2}, {"b", 1}}), MakeBoard({{"a", 1}, {"b", 2}}));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->spearman->value, -1);
  EXPECT_EQ(result->kendall->value, -1);
  EXPECT_EQ(result->agreement_all_pairs.value, -1);
  EXPECT_EQ(result->brier.value, 1);
  ASSERT_EQ(result->warnings.size(), 2U);
  EXPECT_THAT(result->warnings[0], HasSubstr("no intervals"));
}

TEST(AgreementTest, AllTiesHaveNoCorrelation) {
  const auto result = CompareBoards(MakeBoard({{"a", 1}, {"b", 1}, {"c", 1}}),
                                    MakeBoard({{"a", 3}, {"b", 2}, {"c", 1}}));
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->spearman.has_value());
  EXPECT_FALSE(result->kendall.has_value());
  EXPECT_EQ(result->brier.value, 0.25);
  EXPECT_TRUE(result->disagreements.empty());
  EXPECT_THAT(result->warnings.back(), HasSubstr("not defined"));
}

TEST(AgreementTest, TooFewCommonContestantsIsAnErrorThatGuessesTheSpelling) {
  const auto result = CompareBoards(MakeBoard({{"gpt4", 2}, {"claude-2", 1}}),
                                    MakeBoard({{"gpt-4", 2}, {"claude-2", 1}}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(result.error().message, HasSubstr("share 1 contestant;"));
  EXPECT_THAT(result.error().message, HasSubstr("'gpt4' the reference's 'gpt-4'"));
  EXPECT_FALSE(CompareBoards(MakeBoard({{"a", 2}}), MakeBoard({{"b", 2}})).ok());
}

TEST(AgreementTest, BadBoardsAreErrors) {
  const Board good = MakeBoard({{"a", 2}, {"b", 1}});
  EXPECT_FALSE(CompareBoards(MakeBoard({{"a", 2}, {"b", std::nan("")}}), good).ok());
  EXPECT_FALSE(CompareBoards(good, MakeBoard({{"a", 2}, {"b", 1, -1}})).ok());
  EXPECT_FALSE(CompareBoards(MakeBoard({{"a", 2}, {"a", 1}}), good).ok());
  Board ragged = good;
  ragged.draws = {{1, 2, 3}};
  EXPECT_FALSE(CompareBoards(ragged, good).ok());
  EXPECT_FALSE(CompareBoards(good, good, {.level = 1}).ok());
  EXPECT_FALSE(CompareBoards(good, good, {.rounds = 0}).ok());
}

}  // namespace
}  // namespace arena
