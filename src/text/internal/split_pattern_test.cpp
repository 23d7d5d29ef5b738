#include "text/internal/split_pattern.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/internal/added_tokens.h"
#include "text/internal/byte_alphabet.h"
#include "text/internal/normalizer.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Matches(std::string_view pattern, std::string_view text) {
  const auto compiled = SplitPattern::Compile(pattern);
  if (!compiled.ok()) return {compiled.error().message};
  std::vector<std::string> matches;
  compiled->ForEachMatch(text, [&](std::size_t begin, std::size_t end) {
    matches.emplace_back(text.substr(begin, end - begin));
  });
  return matches;
}

TEST(SplitPatternTest, WhiteSpaceIsUnicodes) {
  // U+180E and U+200B are no white space, U+0085 and U+3000 are.
  EXPECT_THAT(Matches(R"(\s+)", "a\u0085\u3000b\u180E\u200Bc\uFEFF"), ElementsAre("\u0085\u3000"));
  EXPECT_THAT(Matches(R"([^\s]+)", "a\u0085b"), ElementsAre("a", "b"));
  EXPECT_THAT(Matches(R"(\w+)", "a\u0301_\u0663-\u00BD"), ElementsAre("a\u0301_\u0663"));
}

TEST(SplitPatternTest, BytesThatAreNoTextNeverMatch) {
  EXPECT_THAT(Matches(R"([^a])",
                      "b\xFF"
                      "c"),
              ElementsAre("b", "c"));
  EXPECT_THAT(Matches(R"(\s+(?!\S))", "  \xFF"), ElementsAre("  "));
}

TEST(SplitPatternTest, WhatDiffersIsRefused) {
  EXPECT_THAT(Matches("[a&&b]", "")[0], ::testing::HasSubstr("intersection"));
  EXPECT_THAT(Matches("[a[b]]", "")[0], ::testing::HasSubstr("inside another"));
  EXPECT_THAT(Matches("(*UTF)a", "")[0], ::testing::HasSubstr("(*"));
  EXPECT_THAT(Matches("a\\", "")[0], ::testing::HasSubstr("backslash"));
}

TEST(SplitPatternTest, AHostilePatternEnds) {
  Matches("(a+)+$", std::string(40, 'a') + "b");
  Matches("(?:)", "abc");
}

TEST(Utf8Test, RunsAgreeWithADirectReading) {
  std::string rebuilt;
  const std::string text = "aé\xFF\xED\xA0\x80日\xF4\x90\x80\x80\xC0\xAF😀\xE2\x82";
  std::vector<std::string> bad;
  ForEachUtf8Run(text, [&](std::size_t begin, std::size_t end, bool valid) {
    rebuilt += text.substr(begin, end - begin);
    if (!valid) bad.push_back(text.substr(begin, end - begin));
  });
  EXPECT_EQ(rebuilt, text);
  EXPECT_EQ(bad.size(), 1U + 3 + 4 + 2 + 2);
  for (char32_t c = 0; c <= 0x10FFFF; c += 7) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string encoded;
    AppendUtf8(c, encoded);
    ASSERT_EQ(CharacterAt(encoded, 0).code_point, c);
    ASSERT_EQ(CharacterBefore("x" + encoded, 1 + encoded.size()).code_point, c);
  }
}

TEST(ByteAlphabetTest, IsGpt2s) {
  EXPECT_EQ(AlphabetCharacter(' '), "Ġ");
  EXPECT_EQ(AlphabetCharacter('\n'), "Ċ");
  EXPECT_EQ(AlphabetCharacter('A'), "A");
  EXPECT_EQ(AlphabetCharacter(0xAD), "Ń");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(BytesOfAlphabet(AlphabetCharacter(static_cast<std::uint8_t>(byte))),
              std::string(1, static_cast<char>(byte)));
  }
  EXPECT_FALSE(BytesOfAlphabet("日").has_value());
}

TEST(NormalizerTest, KeepsBytesThatAreNoText) {
  const auto apply = [](const char* type, std::string_view text) {
    return Normalizer::Parse(Json{{"type", type}})->Apply(text);
  };
  EXPECT_EQ(apply("NFC", "e\u0301\xFF"), "\u00E9\xFF");
  EXPECT_EQ(apply("NFD", "\u00E9"), "e\u0301");
  EXPECT_EQ(apply("NFKC", "ﬁ"), "fi");
  EXPECT_EQ(apply("NFKD", "½"), "1\u20442");
  EXPECT_EQ(apply("Lowercase", "ÄİΣ\xC3"), "äi\u0307σ\xC3");
  EXPECT_EQ(apply("Strip", "\u3000 a b\n"), "a b");
}

TEST(TrustedRangesTest, AgreesWithAMapOfBytes) {
  const TrustedRanges ranges({{8, 10}, {0, 3}, {3, 5}, {9, 12}, {20, 20}});
  const auto trusted = [](std::size_t i) { return i < 5 || (i >= 8 && i < 12); };
  for (std::size_t begin = 0; begin < 24; ++begin) {
    bool all = true;
    for (std::size_t end = begin + 1; end < 25; ++end) {
      all = all && trusted(end - 1);
      EXPECT_EQ(ranges.Contains(begin, end), all) << begin << ' ' << end;
    }
  }
}

}  // namespace
}  // namespace arena
