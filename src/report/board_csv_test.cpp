#include "report/board_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;

std::string CsvErrorOf(const std::string& text, const BoardCsvColumns& columns = {}) {
  const Result<Board> board = BoardFromCsv(text, columns, "board.csv");
  EXPECT_FALSE(board.ok()) << text;
  return board.ok() ? "" : board.error().message;
}

TEST(BoardCsvTest, IsTheApprovedText) {
  ExpectGolden("board_small.csv", BoardCsv(SmallBoard()));
  ExpectGolden("boards.csv", BoardsCsv({SmallBoard(), FullBoard()}));
}

TEST(BoardCsvTest, ReadingItBackGivesTheSameNamesAndNumbers) {
  for (const Board& board : {SmallBoard(), FullBoard(), LargeBoard(50)}) {
    const Result<Board> again = BoardFromCsv(BoardCsv(board), {}, "board.csv");
    ASSERT_TRUE(again.ok()) << again.error().message;
    ASSERT_EQ(again->contestants.size(), board.contestants.size());
    for (std::size_t i = 0; i < board.contestants.size(); ++i) {
      EXPECT_EQ(again->contestants[i].name, board.contestants[i].name);
      EXPECT_NEAR(again->contestants[i].rating, board.contestants[i].rating, 5.1e-7);
      EXPECT_NEAR(again->contestants[i].lower, board.contestants[i].lower, 5.1e-7);
      EXPECT_NEAR(again->contestants[i].upper, board.contestants[i].upper, 5.1e-7);
      EXPECT_EQ(again->contestants[i].rank, board.contestants[i].rank);
    }
  }
}

TEST(BoardFromCsvTest, ReadsAPublishedLeaderboard) {
  const std::filesystem::path path = std::filesystem::path(ARENA_SOURCE_DIR) / ".." / "shared" /
                                     "data" / "arena-hard-v0.1" / "leaderboard_20240731.csv";
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << path << " is not there: the shared data are not mounted";
  }
  const Result<std::string> text = ReadFile(path);
  ASSERT_TRUE(text.ok());
  const Result<Board> board =
      BoardFromCsv(*text, {"model", "score", "rating_q025", "rating_q975"}, path.string());
  ASSERT_TRUE(board.ok()) << board.error().message;
  EXPECT_GT(board->contestants.size(), 50U);
  EXPECT_EQ(board->contestants[0].name, "gpt-4-turbo-2024-04-09");
  EXPECT_EQ(board->contestants[0].rating, 82.63);
  EXPECT_EQ(board->contestants[0].lower, 80.75);
  EXPECT_EQ(board->contestants[0].upper, 84.6);
  EXPECT_EQ(board->contestants[0].rank, 1);
  EXPECT_TRUE(board->warnings.empty());
}

TEST(BoardFromCsvTest, WithoutBoundsIntervalsHaveNoWidthAndAWarningSaysSo) {
  const Result<Board> board =
      BoardFromCsv("m,elo\nx,1\ny,3.5\n", {"m", "elo", "", ""}, "board.csv");
  ASSERT_TRUE(board.ok()) << board.error().message;
  EXPECT_EQ(board->contestants[0].name, "y");
  EXPECT_EQ(board->contestants[0].lower, 3.5);
  EXPECT_EQ(board->contestants[1].rank, 2);
  ASSERT_EQ(board->warnings.size(), 1U);
}

TEST(BoardFromCsvTest, SaysFileAndLineOfWhatIsWrong) {
  const std::string header = "name,rating,lower,upper\n";
  EXPECT_THAT(CsvErrorOf(header + "a,1,0,2\nb,high,0,2\n"),
              testing::AllOf(HasSubstr("board.csv:3"), HasSubstr("\"high\" is not a number")));
  EXPECT_THAT(CsvErrorOf(header + "a,nan,0,2\n"), HasSubstr("not a number"));
  EXPECT_THAT(CsvErrorOf(header + "a,1,,2\n"), HasSubstr("\"lower\""));
  EXPECT_THAT(CsvErrorOf(header + "a,1,2,0\n"), HasSubstr("swapped"));
  EXPECT_THAT(CsvErrorOf(header + ",1,0,2\n"), HasSubstr("the name is empty"));
  EXPECT_THAT(CsvErrorOf(header + "a,1,0,2\na,1,0,2\n"),
              testing::AllOf(HasSubstr("board.csv:3"), HasSubstr("listed twice")));
  EXPECT_THAT(CsvErrorOf(header), HasSubstr("no rows"));
  EXPECT_THAT(CsvErrorOf("model,rating,lower,upper\na,1,0,2\n"), HasSubstr("name"));
  EXPECT_THAT(CsvErrorOf(header + "a,1,0,2\n", {"name", "rating", "lower", ""}),
              HasSubstr("or neither"));
}

}  // namespace
}  // namespace arena
