#include "curate/words.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace arena {
namespace {

std::vector<std::uint64_t> Hashes(std::string_view text) {
  std::vector<std::uint64_t> hashes;
  AppendWordHashes(text, hashes);
  return hashes;
}

TEST(Words, CaseAndPunctuationDoNotCount) {
  EXPECT_EQ(NormalizedText("  Hello, WORLD!\n(it's 42)  "), "hello world it s 42");
  EXPECT_EQ(Hashes("Hello, WORLD!"), Hashes("hello world"));
  EXPECT_NE(Hashes("hello world"), Hashes("world hello"));
  EXPECT_TRUE(Hashes(" ... \n").empty());
}

TEST(Words, LettersOfAllScriptsAreFolded) {
  EXPECT_EQ(NormalizedText("\u00c9T\u00c9 \u0391\u03a3 \u0414\u043e\u043c"),
            "\u00e9t\u00e9 \u03b1\u03c3 \u0434\u043e\u043c");
  EXPECT_EQ(NormalizedText("cafe\u0301!"), "cafe\u0301");  // a mark belongs to its letter
}

TEST(Words, EveryLetterOfAScriptWithoutSpacesIsAWord) {
  EXPECT_EQ(NormalizedText("\u4f60\u597dworld\u4eec"), "\u4f60 \u597d world \u4eec");
  EXPECT_EQ(Hashes("\u4f60\u597d\u5417").size(), 3U);
}

TEST(Words, InvalidBytesAndNulSeparate) {
  EXPECT_EQ(NormalizedText(std::string_view("a\0b\xff"
                                            "c\xe4\xbd",
                                            7)),
            "a b c");
}

TEST(Words, LongWordsDependOnAllTheirBytes) {
  const std::string base(40, 'x');
  for (std::size_t i = 0; i < base.size(); ++i) {
    std::string other = base;
    other[i] = 'y';
    EXPECT_NE(Hashes(base), Hashes(other)) << i;
  }
  EXPECT_NE(Hashes(std::string(8, 'x')), Hashes(std::string(16, 'x')));
}

// The fast way for ASCII and the way for all text must agree wherever words begin and end.
TEST(Words, AsciiTextHasTheSameHashesBesideOtherText) {
  Rng rng(1);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (std::uint64_t n = rng.Below(200); n > 0; --n) {
      text += "aZ09 .@[`{/:\n\t"[rng.Below(rng.Below(2) == 0 ? 4 : 14)];
    }
    auto expected = Hashes("\u00e9 " + text);
    expected.erase(expected.begin());
    EXPECT_EQ(Hashes(text), expected) << text;
  }
}

TEST(Words, HashesAndTextAgreeOnWhereWordsEnd) {
  const std::string text = "One \u4f60\u597d two-three \u00dcber 4 x\u0301y";
  EXPECT_EQ(Hashes(text), Hashes(NormalizedText(text)));
}

}  // namespace
}  // namespace arena
