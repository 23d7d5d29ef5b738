#include "text/style_counts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <string>

#include "base/rng.h"

namespace arena {
namespace {

StyleCounts operator+(const StyleCounts& a, const StyleCounts& b) {
  return {a.tokens + b.tokens, a.headers + b.headers, a.lists + b.lists, a.bold + b.bold};
}

std::string RandomMarkdown(Rng& rng, int pieces) {
  static constexpr const char* kPieces[] = {
      "# ",   "###### ", "####### ", "- ", "* ", "+",  "12. ", "3.", "**", "*",    "__",  "_",
      "word", " ",       "\t",       "\n", "\n", "x1", "!",    "#",  "é",  "\xFF", "\r\n"};
  std::string text;
  for (int i = 0; i < pieces; ++i) text += kPieces[rng.Below(std::size(kPieces))];
  return text;
}

// The same definitions as regular expressions, for texts without code fences.
StyleCounts CountByRegex(const std::string& text) {
  static const std::regex kHeader("^#{1,6}[ \\t]");
  static const std::regex kList("^[ \\t\\r\\f\\v]*([-*+]|[0-9]+\\.)[ \\t]");
  static const std::regex kStars("\\*\\*[^*]+\\*\\*");
  static const std::regex kUnderlines("__[^_]+__");
  StyleCounts counts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    counts.headers += std::regex_search(line, kHeader) ? 1 : 0;
    counts.lists += std::regex_search(line, kList) ? 1 : 0;
    for (const std::regex* bold : {&kStars, &kUnderlines}) {
      counts.bold += static_cast<double>(std::distance(
          std::sregex_iterator(line.begin(), line.end(), *bold), std::sregex_iterator()));
    }
    begin = end + 1;
  }
  return counts;
}

TEST(StyleCountsTest, TokensAreWordsAndMarks) {
  EXPECT_EQ(CountStyle("").tokens, 0);
  EXPECT_EQ(CountStyle(" \n\t ").tokens, 0);
  EXPECT_EQ(CountStyle("Hello, world!").tokens, 4);
  EXPECT_EQ(CountStyle("don't").tokens, 3);
  EXPECT_EQ(CountStyle("x_1 = 3.5").tokens, 5);
  EXPECT_EQ(CountStyle("naïve café").tokens, 2);
  EXPECT_EQ(CountStyle("“so”—yes").tokens, 5);
  EXPECT_EQ(CountStyle("東京です。").tokens, 5);
  EXPECT_EQ(CountStyle("\xFF\xC3 \xE2\x82").tokens, 2);
}

TEST(StyleCountsTest, CountsHeadersListsAndBold) {
  const StyleCounts counts = CountStyle(
      "# One\n## Two\n####### seven is none\n#none\n * a\n  - b\n+ c\n10. d\n10.e\n"
      "**bold** and __bold__, ** **, ****, *em*\n**a*b**\n**two\nlines**\n");
  EXPECT_EQ(counts.headers, 2);
  EXPECT_EQ(counts.lists, 4);
  EXPECT_EQ(counts.bold, 3);
}

TEST(StyleCountsTest, FencedCodeCountsOnlyAsTokens) {
  EXPECT_EQ(CountStyle("```sh\n# not a header\n- no\n**no**\n```\n# yes\n").headers, 1);
  EXPECT_EQ(CountStyle("~~~\n# no\n```\n# no\n~~~\n# yes").headers, 1);
  EXPECT_EQ(CountStyle("````\n```\n# no\n````\n# yes").headers, 1);
  EXPECT_EQ(CountStyle("1. step\n     ```\n# no `x` inside\n     ```\n# yes").headers, 1);
  EXPECT_EQ(CountStyle("cut off:\n```\n# no\n").headers, 0);
  EXPECT_EQ(CountStyle("```x``` inline\n# yes").headers, 1);
  EXPECT_EQ(CountStyle("```\na b\n```").tokens, 8);
}

TEST(StyleCountsTest, TheCountsOfClosedTextsAdd) {
  Rng rng(11);
  for (int round = 0; round < 500; ++round) {
    std::string a = RandomMarkdown(rng, 30), b = RandomMarkdown(rng, 30);
    if (round % 2 == 0) a += "\n```\n# code **x**\n```";
    EXPECT_EQ(CountStyle(a + "\n" + b), CountStyle(a) + CountStyle(b)) << a << "\n--\n" << b;
  }
}

TEST(StyleCountsTest, AgreesWithRegularExpressions) {
  Rng rng(12);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = RandomMarkdown(rng, 40);
    const StyleCounts expected = CountByRegex(text);
    const StyleCounts counts = CountStyle(text);
    EXPECT_EQ(counts.headers, expected.headers) << text;
    EXPECT_EQ(counts.lists, expected.lists) << text;
    EXPECT_EQ(counts.bold, expected.bold) << text;
  }
}

TEST(CountCharactersTest, CountsCodePointsWhereTheyBegin) {
  EXPECT_EQ(CountCharacters(""), 0);
  EXPECT_EQ(CountCharacters("na\xC3\xAFve"), 5);
  EXPECT_EQ(CountCharacters("\xF0\x9F\x98\x80"), 1);
  EXPECT_EQ(CountCharacters("\xF0\x9F") + CountCharacters("\x98\x80"), 1);
}

TEST(StyleCountsTest, HostileTextTakesLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece : {"*", "**a", "`", "```", "_", "__a*", "1", "# ", "\xF0", " ", "- "}) {
    std::string text;
    while (text.size() < 4'000'000) text += piece;
    CountStyle(text);
  }
  // A quadratic pass over 4 MB would take hours; this leaves room for sanitizers.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace arena
