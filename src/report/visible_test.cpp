#include "report/visible.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"
#include "report/numbers.h"
#include "report/text_table.h"

namespace arena {
namespace {

using testing::ElementsAre;

TEST(VisibleLineTest, TerminalEscapesBecomeText) {
  EXPECT_EQ(VisibleLine("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(VisibleLine("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(VisibleLine(std::string_view("nul\0del\x7f", 8)), "nul\\x00del\\x7f");
  // U+009B is a one-character CSI on terminals that know C1.
  EXPECT_EQ(VisibleLine("\xC2\x9B"
                        "31m"),
            "\\x9b31m");
}

TEST(VisibleLineTest, LineEndsCannotForgeLines) {
  EXPECT_EQ(VisibleLine("a\nb\r\nc\td\u2028e"), "a\\nb\\r\\nc\\td\\u2028e");
}

TEST(VisibleLineTest, CharactersThatHideOrReorderAreShown) {
  EXPECT_EQ(VisibleLine("\u202Eabc\u2066"), "\\u202eabc\\u2066");
  EXPECT_EQ(VisibleLine("\uFEFFx\u200By"), "\\ufeffx\\u200by");
  EXPECT_EQ(VisibleLine("\U000E0041"), "\\U000e0041");
}

TEST(VisibleLineTest, OrdinaryTextOfAnyScriptStays) {
  for (const std::string text :
       {"gpt-4 (0314)", "模型", "مدل\u200cها", "👩\u200d🔬", "e\u0301", "a\\x1b"}) {
    EXPECT_EQ(VisibleLine(text), text);
  }
}

TEST(VisibleLineTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(VisibleLine("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(VisibleLine("\xC0\xAF"), "\uFFFD\uFFFD");  // an overlong slash
  EXPECT_EQ(VisibleLine("\xE2\x82"), "\uFFFD");        // cut short
}

TEST(VisibleTextTest, KeepsLinesAndExpandsTabs) {
  EXPECT_EQ(VisibleText("a\r\nb\n\tc\rd\x1b"), "a\nb\n    c\\rd\\x1b");
}

TEST(VisibleTextTest, NoInputLeavesAControlCharacterBehind) {
  Rng rng(7, 0);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 24; ++i) {
      bytes += static_cast<char>(rng.Below(256));
    }
    const std::string line = VisibleLine(bytes);
    for (const char c : line) {
      const auto byte = static_cast<unsigned char>(c);
      ASSERT_TRUE(byte >= 0x20 && byte != 0x7f) << round;
    }
    ASSERT_EQ(VisibleLine(line), line);  // what is safe stays as it is
  }
}

TEST(DisplayWidthTest, CountsColumnsAndNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("模型"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("😀"), 2);
  EXPECT_EQ(DisplayWidth(""), 0);
}

TEST(CutToWidthTest, EndsInAnEllipsisOfTheRightWidth) {
  EXPECT_EQ(CutToWidth("abcdef", 6, true), "abcdef");
  EXPECT_EQ(CutToWidth("abcdefg", 6, true), "abcde…");
  EXPECT_EQ(CutToWidth("abcdefg", 6, false), "abc...");
  EXPECT_EQ(CutToWidth("模型模型", 6, true), "模型…");  // half a character is never shown
  EXPECT_EQ(CutToWidth("abc", 1, true), "a");
  EXPECT_EQ(CutToWidth("abc", 0, true), "");
  EXPECT_EQ(CutToWidth("e\u0301e\u0301e\u0301", 2, true), "e\u0301…");
}

TEST(PadToWidthTest, FillsByColumns) {
  EXPECT_EQ(PadToWidth("模", 4, Align::kLeft), "模  ");
  EXPECT_EQ(PadToWidth("7", 3, Align::kRight), "  7");
  EXPECT_EQ(PadToWidth("long", 2, Align::kLeft), "long");
}

TEST(WrapTextTest, BreaksAtSpacesAndWithinLongWords) {
  EXPECT_THAT(WrapText("the quick brown fox", 10), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(WrapText("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(WrapText("a\n\nb", 10), ElementsAre("a", "", "b"));
  EXPECT_THAT(WrapText("", 10), ElementsAre(""));
  EXPECT_THAT(WrapText("    code here", 9), ElementsAre("    code", "here"));
  EXPECT_THAT(WrapText("            x", 4), ElementsAre("", "x"));
}

TEST(WrapTextTest, LinesAreNeverTooWideAndNoWordIsLost) {
  Rng rng(11, 0);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
      const auto pick = rng.Below(8);
      text += pick == 0 ? " " : pick == 1 ? "模" : pick == 2 ? "\n" : pick == 3 ? "e\u0301" : "x";
    }
    const int width = 2 + static_cast<int>(rng.Below(20));
    std::string joined;
    for (const std::string& line : WrapText(text, width)) {
      ASSERT_LE(DisplayWidth(line), width) << text;
      joined += line;
    }
    const auto without_spaces = [](std::string value) {
      std::erase_if(value, [](char c) { return c == ' ' || c == '\n'; });
      return value;
    };
    ASSERT_EQ(without_spaces(joined), without_spaces(text));
  }
}

TEST(NumbersTest, AreTheSameEverywhere) {
  EXPECT_EQ(FixedNumber(1012.25, 1), "1012.2");
  EXPECT_EQ(FixedNumber(-0.04, 1), "0.0");
  EXPECT_EQ(FixedNumber(-0.06, 1), "-0.1");
  EXPECT_EQ(FixedNumber(std::numeric_limits<double>::quiet_NaN(), 2), "n/a");
  EXPECT_EQ(CountNumber(std::int64_t{1234567}), "1,234,567");
  EXPECT_EQ(CountNumber(std::int64_t{999}), "999");
  EXPECT_EQ(CountNumber(-1234.5), "-1,234.5");
  EXPECT_EQ(PlainNumber(3957), "3957");
  EXPECT_EQ(PlainNumber(0.1 + 0.2), "0.3");
  EXPECT_EQ(PlainNumber(-1e-9), "0");
  EXPECT_EQ(PlainNumber(-std::numeric_limits<double>::infinity()), "");
  EXPECT_EQ(LevelPercent(0.95), "95%");
  EXPECT_EQ(LevelPercent(0.995), "99.5%");
}

TEST(TextTableTest, CutsOnlyColumnsThatMayBeCut) {
  TextTable table({{"name", Align::kLeft, Tone::kPlain, true}, {"value"}});
  table.AddRow({"a name that is rather long", "1234567"});
  table.AddRow({"short", "1"});
  TableStyle style;
  style.unicode = false;
  style.width = 24;
  EXPECT_EQ(table.Render(style),
            "name               value\n"
            "------------------------\n"
            "a name that ...  1234567\n"
            "short                  1\n");
}

TEST(TextTableTest, ColoursOnlyWhenAsked) {
  TextTable table({{"name", Align::kLeft, Tone::kAccent}});
  table.AddRow({"x"});
  TableStyle style;
  EXPECT_EQ(table.Render(style).find('\x1b'), std::string::npos);
  style.color = true;
  EXPECT_NE(table.Render(style).find("\x1b[36mx"), std::string::npos);
}

}  // namespace
}  // namespace arena
