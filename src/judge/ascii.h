// Looking at ASCII in a text without running past its end and without the locale.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>

#include "base/trim.h"

namespace arena {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsAlnum(char c) { return IsDigit(c) || IsLetter(c); }
inline bool IsWordChar(char c) { return IsAlnum(c) || c == '_'; }
inline char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

/// Takes the first line, with its end, away from `text`, which is not empty.
inline std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n') + 1);
  const std::string_view taken = line.empty() ? text : line;
  text.remove_prefix(taken.size());
  return taken;
}

/// The byte at `pos`, or NUL past the end.
inline char CharAt(std::string_view text, std::size_t pos) {
  return pos < text.size() ? text[pos] : '\0';
}

/// How many digits stand at `pos`, counted up to `limit`.
inline std::size_t DigitsFrom(std::string_view text, std::size_t pos,
                              std::size_t limit = std::numeric_limits<std::size_t>::max()) {
  std::size_t count = 0;
  while (count < limit && IsDigit(CharAt(text, pos + count))) ++count;
  return count;
}

/// The first place at or after `pos` that is not a space; at most a few are skipped, because more
/// never stand inside one expression.
inline std::size_t SkipSpaces(std::string_view text, std::size_t pos) {
  const std::size_t stop = pos + 4;
  while (pos < stop && CharAt(text, pos) == ' ') ++pos;
  return pos;
}

/// Whether `word` stands at `pos`, byte for byte.
inline bool StartsWithAt(std::string_view text, std::size_t pos, std::string_view word) {
  return pos <= text.size() && text.substr(pos, word.size()) == word;
}

/// Whether the lower-case `word` stands at `pos` in any case, and no letter follows.
inline bool WordAt(std::string_view text, std::size_t pos, std::string_view word) {
  if (pos > text.size() || text.size() - pos < word.size()) return false;
  const std::string_view here = text.substr(pos, word.size());
  return std::equal(here.begin(), here.end(), word.begin(),
                    [](char a, char b) { return ToLower(a) == b; }) &&
         !IsLetter(CharAt(text, pos + word.size()));
}

}  // namespace arena
