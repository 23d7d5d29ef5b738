// Text without the white space around it.
#pragma once

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

}  // namespace arena
