#include "judge/edit_similarity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/rng.h"

namespace arena {
namespace {

// The textbook matrix, as the second method.
std::size_t SlowDistance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
    }
  }
  return d[a.size()][b.size()];
}

std::u32string RandomText(Rng& rng, std::size_t max_length, std::size_t letters) {
  std::u32string text(rng.Below(max_length + 1), U' ');
  for (char32_t& c : text) c = static_cast<char32_t>(U'a' + rng.Below(letters));
  return text;
}

TEST(EditSimilarityTest, AgreesWithTheTextbookMatrix) {
  Rng rng(7);
  for (int round = 0; round < 400; ++round) {
    const std::size_t letters = 1 + rng.Below(5);
    const std::u32string a = RandomText(rng, 200, letters), b = RandomText(rng, 200, letters);
    const std::size_t distance = CodePointDistance(a, b);
    ASSERT_EQ(distance, SlowDistance(a, b));
    ASSERT_EQ(distance, CodePointDistance(b, a));
  }
}

TEST(EditSimilarityTest, BlockBordersAreExact) {
  Rng rng(8);
  for (const std::size_t length : {63U, 64U, 65U, 127U, 128U, 129U}) {
    std::u32string a(length, U' ');
    for (char32_t& c : a) c = static_cast<char32_t>(U'a' + rng.Below(3));
    std::u32string b = a;
    for (const std::size_t at : {std::size_t{0}, length / 2, length - 1}) b[at] = U'#';
    EXPECT_EQ(CodePointDistance(a, b), SlowDistance(a, b)) << length;
  }
}

TEST(EditSimilarityTest, CountsCodePointsAndKeepsInvalidBytesApart) {
  EXPECT_EQ(CodePointDistance(CodePoints("na\xC3\xAFve"), CodePoints("naive")), 1U);
  EXPECT_EQ(CodePoints("\xF0\x9F\x98\x80").size(), 1U);
  EXPECT_NE(CodePoints("\xFE"), CodePoints("\xFF"));
  EXPECT_EQ(CodePoints("\xE2\x82").size(), 2U);
  EXPECT_EQ(CodePointDistance(U"", U"abc"), 3U);
}

}  // namespace
}  // namespace arena
