#include "text/jinja/string_literal.h"

#include <charconv>
#include <cstdint>

namespace arena::jinja {
namespace {

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

void AppendUtf8(std::string& out, std::uint32_t point) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      add(0xE0 | (point >> 12));
    } else {
      add(0xF0 | (point >> 18));
      add(0x80 | ((point >> 12) & 0x3F));
    }
    add(0x80 | ((point >> 6) & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

// The single character that `c` stands for after a backslash; '\0': none.
char SimpleEscape(char c) {
  constexpr std::string_view kNames = "abfnrtv\\'\"";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
  const std::size_t at = kNames.find(c);
  return at == std::string_view::npos ? '\0' : kValues[at];
}

std::size_t HexDigits(char c) {
  if (c == 'x') return 2;
  if (c == 'u') return 4;
  return c == 'U' ? 8 : 0;
}

// Reads the digits at the front of `text`; 0 digits read: there are none.
std::size_t ReadCode(std::string_view text, int base, std::uint32_t& point) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), point, base);
  return parsed.ec == std::errc() ? static_cast<std::size_t>(parsed.ptr - text.data()) : 0;
}

}  // namespace

Result<std::string> UnescapeString(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 0; i < quoted.size();) {
    const char next = i + 1 < quoted.size() ? quoted[i + 1] : '\0';
    if (quoted[i] != '\\' || i + 1 == quoted.size()) {
      out += quoted[i++];
    } else if (const char simple = SimpleEscape(next); simple != '\0') {
      out += simple;
      i += 2;
    } else if (next == '\n') {
      i += 2;
    } else if (const std::size_t digits = HexDigits(next); digits > 0) {
      std::uint32_t point = 0;
      const std::size_t read = ReadCode(quoted.substr(i + 2, digits), 16, point);
      const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
      if (read != digits || point > kLastCodePoint || is_surrogate) {
        return InvalidInput("a string has an escape that is no character");
      }
      AppendUtf8(out, point);
      i += 2 + digits;
    } else if (next >= '0' && next <= '7') {
      std::uint32_t point = 0;
      const std::size_t read = ReadCode(quoted.substr(i + 1, 3), 8, point);
      AppendUtf8(out, point);
      i += 1 + read;
    } else {
      out += quoted[i++];
    }
  }
  return out;
}

}  // namespace arena::jinja
