// Text without the white space around it, and its beginning.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace arena {

/// Space, tab, line ends, vertical tab and form feed; whatever the locale says.
inline bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text without the white space around it.
inline std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

/// At most 60 bytes of the text, for messages, in one line; "..." where there is more. No code
/// point of valid UTF-8 is cut.
inline std::string BeginningOf(std::string_view text) {
  constexpr std::size_t kMostBytes = 60;
  std::size_t end = text.size();
  if (end > kMostBytes) {
    end = kMostBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  std::string beginning(text.substr(0, end));
  for (char& c : beginning) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return end < text.size() ? beginning + "..." : beginning;
}

}  // namespace arena
