#include "judge/plain_text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace arena {
namespace {

TEST(PlainTextTest, CaseWidthSpaceAndPunctuationDoNotMatter) {
  EXPECT_EQ(*PlainText("  The  Eiffel\tTower!\n", {}), "the eiffel tower");
  EXPECT_EQ(*PlainText("STRASSE", {}), *PlainText("Stra\xC3\x9F"
                                                  "e",
                                                  {}));
  EXPECT_EQ(*PlainText("\xEF\xBC\xA1\xEF\xBC\xA2", {}), "ab");
  EXPECT_EQ(*PlainText("e\xCC\x81", {}), *PlainText("\xC3\x89", {}));
  EXPECT_EQ(*PlainText("**don\xE2\x80\x99t**", {}), "dont");
  EXPECT_EQ(*PlainText("a\xC2\xA0"
                       "b\xE2\x80\x8B"
                       "c",
                       {}),
            "a bc");
}

TEST(PlainTextTest, NumbersKeepSignAndPoint) {
  EXPECT_EQ(*PlainText("(-5)", {}), "-5");
  EXPECT_EQ(*PlainText("3.5.", {}), "3.5");
  EXPECT_NE(*PlainText("-5", {}), *PlainText("5", {}));
  EXPECT_EQ(*PlainText("1 - 5", {}), "1 5");
}

TEST(PlainTextTest, OptionsChangeWhatCounts) {
  EXPECT_EQ(*PlainText("An apple, the pear", {.drop_articles = true}), "apple pear");
  EXPECT_EQ(*PlainText("Hi, you!", {.keep_punctuation = true}), "hi, you!");
  EXPECT_EQ(*PlainText("?!", {}), "");
}

TEST(PlainTextTest, NormalisingTwiceChangesNothing) {
  for (const std::string text : {"The cat; the HAT", "\xEF\xAC\x81ne",
                                 "a\xFF"
                                 "b",
                                 "-5, 3.5%", "\xC2\xBD cup"}) {
    const std::string once = *PlainText(text, {});
    EXPECT_EQ(*PlainText(once, {}), once);
  }
}

TEST(PlainTextTest, MisorderedCombiningMarksTakeLinearTime) {
  std::string hostile = "a";
  for (int i = 0; i < 300000; ++i) hostile += "\xCC\x81";  // class 230
  for (int i = 0; i < 300000; ++i) hostile += "\xCC\xA3";  // class 220 sorts before it
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(PlainText(hostile, {}).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace arena
