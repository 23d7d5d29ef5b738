#include "report/board_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;

int WidestLine(const std::string& text) {
  int widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    widest = std::max(widest, DisplayWidth(line));
  }
  return widest;
}

TEST(BoardTableTest, IsTheApprovedText) {
  ExpectGolden("board_small.txt", BoardTable(SmallBoard(), {}));
  ExpectGolden("board_full_wide.txt", BoardTable(FullBoard(), {true, false, 140}));
  ExpectGolden("board_full_ascii.txt", BoardTable(FullBoard(), {false, false, 80}));
  ExpectGolden("board_small_color.txt", BoardTable(SmallBoard(), {true, true, 100}));
}

TEST(BoardTableTest, FitsTheWidthOfTheTerminal) {
  for (int width : {80, 90, 100, 120, 200}) {
    for (const Board& board : {SmallBoard(), LargeBoard(20)}) {
      EXPECT_LE(WidestLine(BoardTable(board, {true, false, width})), width);
    }
  }
}

TEST(BoardTableTest, PlainStyleIsAscii) {
  Board board = SmallBoard();
  board.warnings = {"careful"};
  for (const char c : BoardTable(board, {false, false, 100})) {
    EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  }
}

TEST(BoardTableTest, HostileNamesNeitherActNorForgeRows) {
  Board board = FullBoard();
  board.anchor = kHostileName + "=1000";
  board.style[0].feature = "\x1b[31m";
  const std::string text = BoardTable(board, {true, false, 200});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  Board harmless = board;
  harmless.contestants[1].name = "x";
  const auto lines = [](const std::string& value) {
    return std::count(value.begin(), value.end(), '\n');
  };
  EXPECT_EQ(lines(text), lines(BoardTable(harmless, {true, false, 200})));
}

TEST(BoardTableTest, NumbersThatAreNotFiniteAndEqualRatingsAreShown) {
  Board board = SmallBoard();
  board.contestants[0].upper = std::numeric_limits<double>::infinity();
  board.contestants[1].win_rate = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(BoardTable(board, {}), HasSubstr("n/a"));
  for (BoardRow& row : board.contestants) {
    row.rating = row.lower = row.upper = 1000;
  }
  EXPECT_THAT(BoardTable(board, {}), HasSubstr("1000.0 .. 1000.0"));
  EXPECT_THAT(BoardTable(Board{}, {}), HasSubstr("contestant"));
}

TEST(BoardMarkdownTest, IsTheApprovedText) {
  ExpectGolden("board_small.md", BoardMarkdown(SmallBoard()));
  ExpectGolden("board_full.md", BoardMarkdown(FullBoard()));
}

TEST(MarkdownTextTest, LeavesNoMarkup) {
  EXPECT_EQ(MarkdownText("a|b"), "a\\|b");
  EXPECT_EQ(MarkdownText("[x](y) `c` *d* _e_ ~f~"), "\\[x\\](y) \\`c\\` \\*d\\* \\_e\\_ \\~f\\~");
  EXPECT_EQ(MarkdownText("<img src=x>&\n# h"), "&lt;img src=x&gt;&amp;\\\\n\\# h");
  EXPECT_EQ(MarkdownText("gpt-3.5"), "gpt-3.5");
}

TEST(BoardMarkdownTest, EveryRowHasAsManyCellsAsTheHeading) {
  std::istringstream lines(BoardMarkdown(FullBoard()));
  std::size_t expected = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) {
      expected = 0;
      continue;
    }
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;  // an escaped bar is text
      } else if (line[i] == '|') {
        ++bars;
      }
    }
    expected = expected == 0 ? bars : expected;
    EXPECT_EQ(bars, expected) << line;
  }
}

}  // namespace
}  // namespace arena
