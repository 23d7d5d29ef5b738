#include "judge/final_number.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace arena {
namespace {

struct Reading {
  std::string text;
  std::string number;  // a plain number that the text must equal; empty: none found
};

// The number of `reading.text` is the one of `reading.number`, exactly.
void ExpectReads(const Reading& reading) {
  SCOPED_TRACE(reading.text);
  const auto found = FindFinalNumber(reading.text, true);
  ASSERT_EQ(found.has_value(), !reading.number.empty());
  if (!found) return;
  const auto expected = FindFinalNumber(reading.number, true);
  ASSERT_TRUE(expected.has_value());
  EXPECT_EQ(found->number.problem, "");
  EXPECT_TRUE(SameNumber(found->number.value, expected->number.value, 0)) << found->shown;
}

TEST(FinalNumberTest, ReadsEveryUsualNotation) {
  for (const Reading& reading : std::vector<Reading>{
           {"18", "18"},
           {"18.", "18"},
           {"A: 18", "18"},
           {"#### 18", "18"},
           {"\\boxed{18}", "18"},
           {"The answer is 18.", "18"},
           {"$1,234.50", "1234.5"},
           {"A: -129025", "-129025"},
           {"A: $-5", "-5"},
           {"A: -$5", "-5"},
           {"A: \xE2\x88\x92"
            "7",
            "-7"},
           {"A: +7", "7"},
           {"A: 007", "7"},
           {"A: .5", "0.5"},
           {"A: 0.50", "1/2"},
           {"A: 3/4", "0.75"},
           {"A: -3/4", "-0.75"},
           {"A: 1 3/4", "1.75"},
           {"A: -1 3/4", "-1.75"},
           {"A: 1\xC2\xBD", "1.5"},
           {"A: 1.2e5", "120000"},
           {"A: 1.2E-2", "0.012"},
           {"A: 1.2 x 10^5", "120000"},
           {"A: $1.2\\times 10^{-2}$", "0.012"},
           {"A: 10^3", "1000"},
           {"A: 3 million dollars", "3000000"},
           {"A: 18kg", "18"},
           {"A: 12.5%", "12.5"},
           {"A: 1\xC2\xA0"
            "234\xE2\x80\xAF"
            "567 \xE2\x82\xAC",
            "1234567"},
           {"A: 1\\,234", "1234"},
           {"A: 1{,}234", "1234"},
           {"A: 1'234.5", "1234.5"},
           {"A: \xEF\xBC\x91\xEF\xBC\x98", "18"},
           {"A: \xD9\xA1\xD9\xA8", "18"},
           {"A: 3, 4", "3"},
           {"A: 1,2345", "1"},
       }) {
    ExpectReads(reading);
  }
}

TEST(FinalNumberTest, ReadsBoxesInLatex) {
  for (const Reading& reading : std::vector<Reading>{
           {"\\[ \\boxed{\\frac{3}{4}} \\]", "0.75"},
           {"$\\boxed{-\\dfrac{3}{4}}$", "-0.75"},
           {"\\boxed{2\\frac12}", "2.5"},
           {"\\boxed{\\text{18 dollars}}", "18"},
           {"\\boxed{\\$1{,}234.50}", "1234.5"},
           {"\\boxed{12.5\\%}", "12.5"},
           {"\\boxed{x = 18}", "18"},
           {"\\boxed {18}", "18"},
           {"\\boxed{\\boxed{18}}", "18"},
           {"\\boxed{18", "18"},
           {"\\fbox{18}", "18"},
       }) {
    ExpectReads(reading);
  }
}

TEST(FinalNumberTest, TheMarkedAnswerWinsOverTheLastNumber) {
  for (const Reading& reading : std::vector<Reading>{
           {"A: 18\nThere were 20 eggs at first.", "18"},
           {"The answer is 18. He began with 20.", "18"},
           {"The answer is 18 eggs of 20.", "18"},
           {"**Final Answer:** $18$ (out of 20)", "18"},
           {"**Answer**: 18\n\nCheck: 9 + 9.", "18"},
           {"Answer:\n\n  **18**\n\nIn 3 steps.", "18"},
           {"The final answer to question 3 is therefore 18, as 2 < 3.\nOver 99.", "3"},
           {"#### 18\n\nStep 3 was hard.", "18"},
           {"the answer = 18; 5 left", "18"},
           {"A: 3 + 15 = 18\n7", "18"},
           {"A: x = 18\n7", "18"},
           {"A: In 2 hours she sells 18\n7", "18"},
           {"**A:** 18\n7", "18"},
           {"Answer: 17\nNo. Answer: 18\nafter 7 tries", "18"},
           {"A: 18\nIs the answer right? The answer is right.", "18"},
       }) {
    ExpectReads(reading);
  }
}

TEST(FinalNumberTest, FallsBackToTheLastNumber) {
  for (const Reading& reading : std::vector<Reading>{
           {"She has 3 and buys 15, so 18 in all.", "18"},
           {"5 - 3 gives 2", "2"},
           {"so 20-2", "2"},
           {"#### 3. Method\nWe get 18 eggs", "18"},
           {"#### Step 3\nWe get 18 eggs", "18"},
           {"Plan A: 3 weeks. We get 18", "18"},
           {"She has 18 at 3:30 with gpt4, v1.2.3, on 1/2/2024", "18"},
           {"It was 18...", "18"},
           {"x^2 + x_1 + x^{3} + x_{4}", ""},
           {"It is _18_", "18"},
           {"no number", ""},
           {"", ""},
       }) {
    ExpectReads(reading);
  }
}

TEST(FinalNumberTest, WithoutTheFallbackOnlyMarkedAndBareNumbersCount) {
  EXPECT_TRUE(FindFinalNumber("18", false).has_value());
  EXPECT_TRUE(FindFinalNumber(" **$18** eggs.\n", false).has_value());
  EXPECT_TRUE(FindFinalNumber("She has 3.\nA: 18", false).has_value());
  EXPECT_FALSE(FindFinalNumber("She has 18", false).has_value());
  EXPECT_FALSE(FindFinalNumber("18 of 20", false).has_value());
}

TEST(FinalNumberTest, SaysWhereItFoundTheNumber) {
  EXPECT_EQ(FindFinalNumber("A: 18", true)->where, "`A:`");
  EXPECT_EQ(FindFinalNumber("#### 18", true)->where, "`####`");
  EXPECT_EQ(FindFinalNumber("\\boxed{18}", true)->where, "`\\boxed`");
  EXPECT_EQ(FindFinalNumber("The answer is 18", true)->where, "`answer`");
  EXPECT_EQ(FindFinalNumber("18 eggs", true)->where, "the whole answer");
  EXPECT_EQ(FindFinalNumber("It is 18", true)->where, "the last number");
  EXPECT_EQ(FindFinalNumber("A: about $1,234.50 each", true)->shown, "$1,234.50");
}

TEST(FinalNumberTest, NumbersWithoutValueAreFoundWithTheirProblem) {
  EXPECT_NE(FindFinalNumber("A: " + std::string(500, '1'), true)->number.problem, "");
  EXPECT_NE(FindFinalNumber("A: 5/0", true)->number.problem, "");
  EXPECT_NE(FindFinalNumber("A: 1e99999999999999999999", true)->number.problem, "");
  EXPECT_NE(FindFinalNumber("A: 1e-401", true)->number.problem, "");
}

// Prose without numbers or marks, put round an answer, changes nothing.
TEST(FinalNumberTest, SurroundingProseDoesNotMatter) {
  const std::vector<std::string> before = {
      "",     "Let us think.\n", "# Title\n\nText, \\(x\\)\n",
      "\n\n", "\xE5\xA5\xBD\n",  std::string(100000, 'x') + "\n"};
  const std::vector<std::string> after = {"", "\n", ".\n\nI hope this helps!", "\n\\end{document}",
                                          "\n" + std::string(200000, 'y')};
  for (const std::string answer :
       {"A: 18", "#### 18", "\\boxed{18}", "The answer is $18", "18", "Answer: **18**"}) {
    for (const std::string& head : before) {
      for (const std::string& tail : after) ExpectReads({head + answer + tail, "18"});
    }
  }
}

TEST(FinalNumberTest, TheLastNumberOfALongTextIsTheSameAsOfAShortOne) {
  const std::string many(300000, ' ');
  ExpectReads({"1 2 3" + many + "and so on", "3"});
  ExpectReads({"1 2 3" + many + "and 18 so on", "18"});
  // The number straddles the point from which the tail is read.
  ExpectReads({"seen 1,234" + std::string((1 << 16) - 3, 'z'), "1234"});
}

bool Same(std::string_view a, std::string_view b, double tolerance) {
  return SameNumber(NextNumber(a, 0)->value, NextNumber(b, 0)->value, tolerance);
}

TEST(SameNumberTest, AToleranceForRoundingLeavesIntegersExact) {
  EXPECT_TRUE(Same("12345678901234567890", "12345678901234567890.0", 1e-6));
  EXPECT_FALSE(Same("12345678901234567891", "12345678901234567890", 1e-6));
  EXPECT_FALSE(Same("12345679", "12345678", 1e-6));
  EXPECT_TRUE(Same("101", "100", 0.01));
  EXPECT_FALSE(Same("102", "100", 0.01));
}

TEST(SameNumberTest, TheToleranceIsRelativeToTheReference) {
  EXPECT_TRUE(Same("0.3333333", "1/3", 1e-6));
  EXPECT_FALSE(Same("0.333", "1/3", 1e-6));
  EXPECT_TRUE(Same("0.333", "1/3", 1e-2));
  EXPECT_FALSE(Same("0.3333333", "1/3", 0));
  EXPECT_TRUE(Same("101.5", "100", 0.015));
  EXPECT_FALSE(Same("101.6", "100", 0.015));
  EXPECT_FALSE(Same("0.0000000001", "0", 0.5));
  EXPECT_FALSE(Same("-1.5", "1.5", 0.5));
}

TEST(SameNumberTest, NotationDoesNotMatter) {
  EXPECT_TRUE(Same("0.75", "3/4", 0));
  EXPECT_TRUE(Same("1.5/2", "3/4", 0));
  EXPECT_TRUE(Same("1 3/4", "1.750", 0));
  EXPECT_TRUE(Same("-0", "0", 0));
  EXPECT_TRUE(Same("1e400", "10^400", 0));
}

}  // namespace
}  // namespace arena
