#include "report/board_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "report/internal/html_parts.h"
#include "report/report_testing.h"

namespace arena {
namespace {

using report_internal::HeatLevel;
using report_internal::HtmlText;
using report_internal::NiceTicks;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(BoardHtmlTest, IsTheApprovedPage) {
  ExpectGolden("board_full.html", BoardHtml({SmallBoard(), FullBoard()}, "GSM8K <arena>"));
}

TEST(BoardHtmlTest, LoadsNothingAndRunsNothing) {
  const std::string page = BoardHtml({FullBoard()}, "x");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  // The policy allows style sheets, not style attributes of elements that a name might forge.
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
}

TEST(BoardHtmlTest, HostileTextStaysText) {
  Board board = FullBoard();
  board.anchor = "\"><img src=x onerror=alert(1)>";
  board.style[0].feature = "</style><script>";
  const std::string page = BoardHtml({board, board}, "</title><script>alert(1)</script>");
  EXPECT_EQ(CountOf(page, "<script"), 0);
  EXPECT_EQ(CountOf(page, "<img"), 0);
  EXPECT_EQ(CountOf(page, "</title>"), CountOf(page, "<title>"));
  EXPECT_EQ(CountOf(page, "</style>"), 1);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find('\r'), std::string::npos);
  EXPECT_EQ(page.find("\xE2\x80\xAE"), std::string::npos);
  // Every attribute stays within its quotes: no tag holds a stray quote or a "<".
  const std::regex tag(R"re(<[a-z0-9]+( [a-zA-Z0-9-]+="[^"<>]*")*/?>)re");
  for (std::size_t at = page.find("<body>"); at != std::string::npos; at = page.find('<', at + 1)) {
    if (page[at + 1] == '/') {
      continue;
    }
    const std::string text = page.substr(at, page.find('>', at) - at + 1);
    EXPECT_TRUE(std::regex_match(text, tag)) << text;
  }
}

TEST(BoardHtmlTest, TagsAreBalanced) {
  const std::string page = BoardHtml({LargeBoard(30), FullBoard()}, "x");
  for (const std::string tag :
       {"section", "table", "tr", "td", "th", "svg", "g", "ol", "li", "div", "bdi", "ul", "dl"}) {
    EXPECT_EQ(CountOf(page, "<" + tag + ">") + CountOf(page, "<" + tag + " "),
              CountOf(page, "</" + tag + ">"))
        << tag;
  }
}

TEST(BoardHtmlTest, PairsThatNeverMetAreToldApartFromEvenOnes) {
  const std::string matrix = report_internal::WinMatrixTable(FullBoard());
  EXPECT_THAT(matrix, HasSubstr("175b_verification against 6b_finetuning: never met"));
  EXPECT_EQ(CountOf(matrix, "<td class=\"never\""), 2);
  EXPECT_EQ(CountOf(report_internal::WinMatrixTable(SmallBoard()), "never"), 0);
}

TEST(BoardHtmlTest, AMatrixOfAnotherSizeIsLeftOut) {
  Board board = SmallBoard();
  board.matrix.battles.pop_back();
  EXPECT_EQ(report_internal::WinMatrixTable(board), "");
}

TEST(BoardHtmlTest, OneContestantAndNumbersThatAreNotFiniteAreDrawn) {
  Board board = SmallBoard();
  board.contestants.resize(1);
  board.contestants[0].lower = board.contestants[0].upper = board.contestants[0].rating;
  EXPECT_THAT(BoardHtml({board}, "x"), HasSubstr("cx=\"50.00%\""));
  board.contestants[0].upper = std::numeric_limits<double>::infinity();
  const std::string page = BoardHtml({board}, "x");
  EXPECT_THAT(page, Not(HasSubstr("inf%")));
  EXPECT_THAT(page, Not(HasSubstr("nan%")));
}

TEST(HtmlTextTest, EscapesWhatMarkupUses) {
  EXPECT_EQ(HtmlText("<a href=\"x\" title='y'>&"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;");
}

TEST(HeatLevelTest, EvenIsTheMiddleAndTheScaleIsSymmetric) {
  EXPECT_EQ(HeatLevel(0), 0);
  EXPECT_EQ(HeatLevel(0.5), 5);
  EXPECT_EQ(HeatLevel(1), 10);
  for (double share = 0.01; share < 0.5; share += 0.02) {
    EXPECT_EQ(HeatLevel(share), 10 - HeatLevel(1 - share)) << share;
  }
}

TEST(NiceTicksTest, AreRoundAndWithin) {
  EXPECT_THAT(NiceTicks(803, 1171, 6), ElementsAre(900, 1000, 1100));
  EXPECT_THAT(NiceTicks(0, 1, 5),
              ElementsAre(0, testing::DoubleEq(0.2), testing::DoubleEq(0.4),
                          testing::DoubleNear(0.6, 1e-12), testing::DoubleEq(0.8), 1));
  EXPECT_TRUE(NiceTicks(5, 5, 6).empty());
  EXPECT_TRUE(NiceTicks(std::nan(""), 1, 6).empty());
  EXPECT_TRUE(NiceTicks(-INFINITY, 1, 6).empty());
}

TEST(NiceTicksTest, AnySpanGetsAFewTicksWithinIt) {
  for (double lower : {-1e9, -3.3, 0.0, 0.001, 17.5, 1e6}) {
    for (double length : {1e-3, 0.7, 9.99, 123.4, 1e5}) {
      const std::vector<double> ticks = NiceTicks(lower, lower + length, 6);
      EXPECT_GE(ticks.size(), 2U) << lower << " " << length;
      EXPECT_LE(ticks.size(), 8U) << lower << " " << length;
      for (const double tick : ticks) {
        EXPECT_GE(tick, lower - length * 1e-6);
        EXPECT_LE(tick, lower + length * (1 + 1e-6));
      }
    }
  }
}

TEST(BoardHtmlTest, AHundredContestantsMakeAPageOfReasonableSize) {
  const std::string page = BoardHtml({LargeBoard(100)}, "large");
  EXPECT_LT(page.size(), 3U << 20);
  EXPECT_THAT(page, HasSubstr("class=\"heat small\""));
}

}  // namespace
}  // namespace arena
