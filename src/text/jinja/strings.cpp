#include "text/jinja/strings.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_set>
#include <utility>

namespace arena::jinja {
namespace {

// The code point of one character; -1: its bytes are not valid UTF-8.
UChar32 DecodeCharacter(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x80 ? byte(0) : -1;
  UChar32 point = byte(0) & (0x7F >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6 | (byte(i) & 0x3F);
  return point;
}

// As Python's str.isspace has it.
bool IsWhiteSpace(std::string_view character) {
  const UChar32 point = DecodeCharacter(character);
  if (point < 0x80)
    return point == ' ' || (point >= 9 && point <= 13) || (point >= 28 && point <= 31);
  return u_isUWhiteSpace(point) != 0;
}

// Texts of messages are cased piece by piece, so that marks stay where they were.
std::string CasedPiece(std::string_view piece, bool is_upper) {
  icu::UnicodeString text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(piece.data(), static_cast<std::int32_t>(piece.size())));
  if (is_upper) {
    text.toUpper(icu::Locale::getRoot());
  } else {
    text.toLower(icu::Locale::getRoot());
  }
  std::string cased;
  text.toUTF8String(cased);
  return cased;
}

MarkedText CasedText(const MarkedText& text, bool is_upper) {
  MarkedText cased;
  text.ForEachPiece([&](std::string_view piece, bool is_trusted) {
    cased.Append(CasedPiece(piece, is_upper), is_trusted);
  });
  return cased;
}

bool IsWordCharacter(std::string_view character) {
  const UChar32 point = DecodeCharacter(character);
  return point >= 0 && (u_isalnum(point) || point == '\'' || point == '_');
}

}  // namespace

std::size_t Find(std::string_view text, std::string_view needle, std::size_t from) {
  if (needle.empty()) return from;
  const void* found =
      ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::vector<std::size_t> CharacterStarts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t pos = 0; pos < text.size(); pos += CharacterSize(text, pos)) {
    starts.push_back(pos);
  }
  starts.push_back(text.size());
  return starts;
}

MarkedText Strip(const MarkedText& text, std::optional<std::string_view> characters, Side side) {
  std::unordered_set<std::string_view> set;
  if (characters) {
    for (std::size_t pos = 0; pos < characters->size();) {
      const std::size_t size = CharacterSize(*characters, pos);
      set.insert(characters->substr(pos, size));
      pos += size;
    }
  }
  const auto goes = [&](std::string_view character) {
    return characters ? set.contains(character) : IsWhiteSpace(character);
  };
  const std::string_view bytes = text.bytes();
  std::size_t begin = 0, end = bytes.size();
  while (side != Side::kRight && begin < end) {
    const std::size_t size = CharacterSize(bytes, begin);
    if (!goes(bytes.substr(begin, size))) break;
    begin += size;
  }
  while (side != Side::kLeft && end > begin) {
    const std::size_t start = CharacterBefore(bytes, end);
    if (!goes(bytes.substr(start, end - start))) break;
    end = start;
  }
  return text.Slice(begin, end);
}

std::vector<MarkedText> Split(const MarkedText& text, std::string_view separator,
                              std::int64_t limit, Budget& budget) {
  std::vector<MarkedText> pieces;
  std::size_t begin = 0;
  for (; limit != 0; --limit) {
    const std::size_t end = Find(text.bytes(), separator, begin);
    if (end == std::string_view::npos || !budget.Spend(kElementCost)) break;
    pieces.push_back(text.Slice(begin, end));
    begin = end + separator.size();
  }
  pieces.push_back(text.Slice(begin, text.size()));
  return pieces;
}

std::vector<MarkedText> SplitWords(const MarkedText& text, Budget& budget) {
  std::vector<MarkedText> words;
  const std::string_view bytes = text.bytes();
  std::size_t begin = 0;
  for (std::size_t pos = 0; pos <= bytes.size();) {
    const bool is_end = pos == bytes.size();
    const std::size_t size = is_end ? 1 : CharacterSize(bytes, pos);
    if (is_end || IsWhiteSpace(bytes.substr(pos, size))) {
      if (pos > begin) {
        if (!budget.Spend(kElementCost)) break;
        words.push_back(text.Slice(begin, pos));
      }
      begin = pos + size;
    }
    pos += size;
  }
  return words;
}

std::vector<MarkedText> SplitLines(const MarkedText& text, Budget& budget) {
  std::vector<MarkedText> lines;
  const std::string_view bytes = text.bytes();
  for (std::size_t begin = 0; begin < bytes.size() && budget.Spend(kElementCost);) {
    const std::size_t end = std::min(bytes.find_first_of("\r\n", begin), bytes.size());
    lines.push_back(text.Slice(begin, end));
    begin = end + (bytes.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  return lines;
}

std::optional<MarkedText> Replace(const MarkedText& text, std::string_view from,
                                  const MarkedText& to, std::int64_t limit, std::size_t max_size) {
  MarkedText result;
  std::size_t begin = 0;
  for (; limit != 0; --limit) {
    const std::size_t end = Find(text.bytes(), from, begin);
    if (end == std::string_view::npos) break;
    result.Append(text.Slice(begin, end));
    result.Append(to);
    begin = end + from.size();
    if (result.size() > max_size) return std::nullopt;
  }
  result.Append(text.Slice(begin, text.size()));
  if (result.size() > max_size) return std::nullopt;
  return result;
}

MarkedText WithCase(const MarkedText& text, LetterCase letter_case) {
  if (letter_case == LetterCase::kUpper) return CasedText(text, true);
  const MarkedText lower = CasedText(text, false);
  if (letter_case == LetterCase::kLower) return lower;
  MarkedText result;
  bool is_first = true;  // of the word, or of the text
  for (std::size_t pos = 0; pos < lower.size();) {
    const std::size_t size = CharacterSize(lower.bytes(), pos);
    const MarkedText character = lower.Slice(pos, pos + size);
    result.Append(is_first ? CasedText(character, true) : character);
    is_first = letter_case == LetterCase::kTitle && !IsWordCharacter(character.bytes());
    pos += size;
  }
  return result;
}

}  // namespace arena::jinja
