#include "text/internal/utf8.h"

#include <unicode/uchar.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace arena {
namespace {

std::uint8_t ByteAt(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

/// The length that a first byte announces; 0: no first byte.
std::size_t AnnouncedSize(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

}  // namespace

Utf8Character CharacterAt(std::string_view text, std::size_t at) {
  const std::uint8_t first = ByteAt(text, at);
  const Utf8Character bad{first, 1, false};
  const std::size_t size = AnnouncedSize(first);
  if (size == 1) return {first, 1, true};
  if (size == 0 || size > text.size() - at) return bad;
  constexpr std::array<std::uint8_t, 5> kPayload = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code_point = first & kPayload[size];
  for (std::size_t i = 1; i < size; ++i) {
    const std::uint8_t next = ByteAt(text, at + i);
    if ((next & 0xC0) != 0x80) return bad;
    code_point = (code_point << 6) | (next & 0x3F);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
  if (overlong || surrogate || code_point > 0x10FFFF) return bad;
  return {code_point, size, true};
}

Utf8Character CharacterBefore(std::string_view text, std::size_t end) {
  const std::size_t earliest = end < 4 ? 0 : end - 4;
  for (std::size_t at = end; at-- > earliest;) {
    if ((ByteAt(text, at) & 0xC0) == 0x80) continue;
    const Utf8Character c = CharacterAt(text.substr(0, end), at);
    if (c.valid && at + c.size == end) return c;
    break;
  }
  return {ByteAt(text, end - 1), 1, false};
}

std::size_t FindInvalid(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size()) {
    // Eight ASCII bytes at a time: most texts hold little else.
    std::uint64_t word = 0;
    while (text.size() - at >= sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080U) != 0) break;
      at += sizeof word;
    }
    if (at == text.size()) break;
    const Utf8Character c = CharacterAt(text, at);
    if (!c.valid) return at;
    at += c.size;
  }
  return at;
}

void AppendUtf8(char32_t code_point, std::string& text) {
  const auto add = [&text](char32_t bits) { text += static_cast<char>(bits); };
  if (code_point < 0x80) {
    add(code_point);
    return;
  }
  const int continuations = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  constexpr std::array<char32_t, 4> kFirst = {0, 0xC0, 0xE0, 0xF0};
  add(kFirst[static_cast<std::size_t>(continuations)] | (code_point >> (6 * continuations)));
  for (int i = continuations - 1; i >= 0; --i) add(0x80 | ((code_point >> (6 * i)) & 0x3F));
}

bool IsWhiteSpace(const Utf8Character& c) {
  return c.valid && u_isUWhiteSpace(static_cast<UChar32>(c.code_point)) != 0;
}

bool IsWord(const Utf8Character& c) {
  if (!c.valid) return false;
  const auto code_point = static_cast<UChar32>(c.code_point);
  constexpr std::uint32_t kCategories = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_isUAlphabetic(code_point) != 0 || (U_GET_GC_MASK(code_point) & kCategories) != 0 ||
         u_hasBinaryProperty(code_point, UCHAR_JOIN_CONTROL) != 0;
}

bool IsNumeric(const Utf8Character& c) {
  return c.valid && (U_GET_GC_MASK(static_cast<UChar32>(c.code_point)) & U_GC_N_MASK) != 0;
}

}  // namespace arena
