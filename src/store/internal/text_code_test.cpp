#include "store/internal/text_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace arena::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A second, slow reading of RFC 3629: decode the code point, then look at it.
bool IsValidUtf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (length == 4 && lead >> 3 != 30) return false;
    if (i + length > text.size()) return false;
    unsigned point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if (byte >> 6 != 2) return false;
      point = point << 6 | (byte & 0x3F);
    }
    constexpr unsigned kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10FFFF) return false;
    if (point >= 0xD800 && point <= 0xDFFF) return false;
    i += length;
  }
  return true;
}

/// Bytes of which many are special: NUL, the escape character, digits after it, parts of UTF-8.
std::string RandomBytes(Rng& rng) {
  constexpr std::string_view kSpecial("\0\x1A,-0f\xC3\xA9\xED\xA0\xF0\x9F\x98\x80\xF4\x90\xE0\x80",
                                      19);
  std::string bytes(rng.Below(40), ' ');
  const bool mostly_special = rng.Below(2) == 0;
  for (char& c : bytes) {
    c = mostly_special ? kSpecial[rng.Below(kSpecial.size())]
                       : static_cast<char>(static_cast<unsigned char>(rng.Below(256)));
  }
  return bytes;
}

TEST(TextCode, LeavesOrdinaryTextAsItIs) {
  for (const std::string text :
       {"", "a", "What is 2+2?\n\tFour.", "naïve – “quoted”", "日本語 😀", "\x7F\x01\x1B"}) {
    EXPECT_EQ(EncodeText(text), text);
    EXPECT_EQ(DecodeText(text).value(), text);
  }
}

TEST(TextCode, EscapesNulInvalidUtf8AndTheEscapeItself) {
  EXPECT_EQ(EncodeText(std::string_view("a\0b", 3)),
            "a\x1A"
            "00b");
  EXPECT_EQ(EncodeText("\xFF!"),
            "\x1A"
            "ff!");
  EXPECT_EQ(EncodeText("\x1A"),
            "\x1A"
            "1a");
  EXPECT_EQ(EncodeText("12345678\xC3"),
            "12345678\x1A"
            "c3");
  EXPECT_EQ(EncodeText("\xED\xA0\x80"),
            "\x1A"
            "ed\x1A"
            "a0\x1A"
            "80")
      << "a surrogate";
  EXPECT_EQ(EncodeText("\xC0\x80"),
            "\x1A"
            "c0\x1A"
            "80")
      << "an overlong NUL";
}

TEST(TextCode, AnyBytesSurviveAsValidUtf8WithoutNul) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Rng rng(7, seed);
    const std::string bytes = RandomBytes(rng);
    const std::string stored = EncodeText(bytes);
    ASSERT_TRUE(IsValidUtf8(stored)) << "seed " << seed;
    ASSERT_EQ(stored.find('\0'), std::string::npos) << "seed " << seed;
    ASSERT_EQ(DecodeText(stored).value(), bytes) << "seed " << seed;
    if (IsValidUtf8(bytes) && bytes.find('\0') == std::string::npos &&
        bytes.find('\x1A') == std::string::npos) {
      ASSERT_EQ(stored, bytes) << "seed " << seed;
    }
  }
}

TEST(TextCode, AnyListSurvives) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Rng rng(8, seed);
    std::vector<std::string> texts(rng.Below(4));
    for (std::string& text : texts) text = RandomBytes(rng);
    ASSERT_EQ(DecodeList(EncodeList(texts)).value(), texts) << "seed " << seed;
  }
}

TEST(TextCode, AListOfOneTextIsThatText) {
  EXPECT_EQ(EncodeList(std::vector<std::string>{"plain"}), "plain");
  EXPECT_THAT(DecodeList("").value(), ElementsAre(""));
  EXPECT_THAT(DecodeList("\x1A-").value(), IsEmpty());
}

TEST(TextCode, RefusesWhatItDoesNotWrite) {
  for (const std::string stored : {"\x1A",
                                   "\x1A"
                                   "0",
                                   "\x1A"
                                   "0G",
                                   "\x1A"
                                   "FF",
                                   "a\x1A-"}) {
    EXPECT_FALSE(DecodeText(stored).ok()) << stored;
    EXPECT_FALSE(DecodeList(stored).ok()) << stored;
  }
}

}  // namespace
}  // namespace arena::store
