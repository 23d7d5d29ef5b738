#include "report/visible.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

namespace arena {
namespace {

constexpr UChar32 kReplacement = 0xFFFD;
constexpr UChar32 kZeroWidthNonJoiner = 0x200C;
constexpr UChar32 kZeroWidthJoiner = 0x200D;

/// Decodes the code point at `at` and moves past it; an ill-formed part is one U+FFFD.
UChar32 NextCodePoint(std::string_view text, std::size_t& at) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto length = static_cast<std::int64_t>(text.size());
  auto index = static_cast<std::int64_t>(at);
  UChar32 code = 0;
  U8_NEXT_OR_FFFD(bytes, index, length, code);
  at = static_cast<std::size_t>(index);
  return code;
}

/// Whether printing the character could act on the terminal or hide or reorder its neighbours.
bool IsUnsafe(UChar32 code) {
  if (code == kZeroWidthNonJoiner || code == kZeroWidthJoiner) {
    return false;
  }
  switch (u_charType(code)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return true;
    default:
      return false;
  }
}

void AppendEscape(std::string& out, UChar32 code) {
  const auto value = static_cast<std::uint32_t>(code);
  if (code == '\n') {
    out += "\\n";
  } else if (code == '\r') {
    out += "\\r";
  } else if (code == '\t') {
    out += "\\t";
  } else if (value < 0x100) {
    out += fmt::format("\\x{:02x}", value);
  } else if (value < 0x10000) {
    out += fmt::format("\\u{:04x}", value);
  } else {
    out += fmt::format("\\U{:08x}", value);
  }
}

std::string Neutralise(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const UChar32 code = NextCodePoint(text, at);
    if (keep_lines && code == '\n') {
      out += '\n';
    } else if (keep_lines && code == '\t') {
      out += "    ";
    } else if (keep_lines && code == '\r' && at < text.size() && text[at] == '\n') {
      continue;
    } else if (IsUnsafe(code)) {
      AppendEscape(out, code);
    } else if (code == kReplacement) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(start, at - start);
    }
  }
  return out;
}

int CodePointWidth(UChar32 code) {
  switch (u_charType(code)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int east_asian = u_getIntPropertyValue(code, UCHAR_EAST_ASIAN_WIDTH);
  return east_asian == U_EA_WIDE || east_asian == U_EA_FULLWIDTH ? 2 : 1;
}

/// The longest start of `text` that is at most `width` columns wide, combining marks included.
std::string_view StartOfWidth(std::string_view text, int width) {
  int used = 0;
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    used += CodePointWidth(NextCodePoint(text, at));
    if (used > width) {
      break;
    }
    end = at;
  }
  return text.substr(0, end);
}

/// Breaks one line without line ends.
void WrapLine(std::string_view line, int width, std::vector<std::string>& lines) {
  while (DisplayWidth(line) > width) {
    const std::string_view fits = StartOfWidth(line, width);
    const std::size_t first_word = fits.find_first_not_of(' ');
    // A space right after what fits is as good a place to break as one within it.
    std::size_t cut = line[fits.size()] == ' ' ? fits.size() : fits.rfind(' ');
    if (cut == std::string_view::npos || first_word == std::string_view::npos ||
        cut <= first_word) {
      cut = fits.size();
    }
    std::string_view kept = line.substr(0, cut);
    kept = kept.substr(0, kept.find_last_not_of(' ') + 1);
    lines.emplace_back(kept);
    line.remove_prefix(cut);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  }
  if (!line.empty()) {
    lines.emplace_back(line);
  }
}

}  // namespace

std::string VisibleLine(std::string_view text) { return Neutralise(text, false); }

std::string VisibleText(std::string_view text) { return Neutralise(text, true); }

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) {
    width += CodePointWidth(NextCodePoint(text, at));
  }
  return width;
}

std::string CutToWidth(std::string_view text, int width, bool unicode) {
  if (DisplayWidth(text) <= width) {
    return std::string(text);
  }
  const std::string_view ellipsis = unicode ? "\u2026" : "...";
  const int ellipsis_width = unicode ? 1 : 3;
  if (width <= ellipsis_width) {
    return std::string(StartOfWidth(text, std::max(width, 0)));
  }
  std::string out(StartOfWidth(text, width - ellipsis_width));
  out += ellipsis;
  return out;
}

std::string PadToWidth(std::string_view text, int width, Align align) {
  const int missing = std::max(0, width - DisplayWidth(text));
  const std::string spaces(static_cast<std::size_t>(missing), ' ');
  return align == Align::kLeft ? std::string(text) + spaces : spaces + std::string(text);
}

std::vector<std::string> WrapText(std::string_view text, int width) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t before = lines.size();
    WrapLine(line, std::max(width, 2), lines);
    if (lines.size() == before) {
      lines.emplace_back();
    }
    if (end == std::string_view::npos) {
      return lines;
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace arena
