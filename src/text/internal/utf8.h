// Code points of UTF-8 text that may hold any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace arena {

/// A code point, or one byte that is no part of valid UTF-8.
struct Utf8Character {
  char32_t code_point = 0;  ///< the byte where not valid
  std::size_t size = 1;     ///< in bytes
  bool valid = true;
};

/// The character at `at` < text.size().
Utf8Character CharacterAt(std::string_view text, std::size_t at);

/// The character that ends before `end` > 0.
Utf8Character CharacterBefore(std::string_view text, std::size_t end);

/// The first position at or after `from` of a byte that is no part of valid UTF-8; text.size():
/// none.
std::size_t FindInvalid(std::string_view text, std::size_t from);

/// Calls visit(begin, end, valid) for each longest run of valid UTF-8 and each single byte that is
/// none, in order.
template <typename Visit>
void ForEachUtf8Run(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bad = FindInvalid(text, at);
    if (bad > at) visit(at, bad, true);
    if (bad < text.size()) visit(bad, bad + 1, false);
    at = bad + 1;
  }
}

/// `code_point` is a Unicode scalar value.
void AppendUtf8(char32_t code_point, std::string& text);

bool IsWhiteSpace(const Utf8Character& c);  ///< White_Space
bool IsWord(const Utf8Character& c);        ///< \w of Unicode's regular expressions (UTS 18)
bool IsNumeric(const Utf8Character& c);     ///< general category N

}  // namespace arena
