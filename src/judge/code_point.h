// UTF-8, one code point at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace arena {

struct CodePoint {
  std::int32_t value = -1;  ///< -1: the bytes are not valid UTF-8
  std::size_t length = 1;   ///< bytes read; at least 1
};

/// Reads the code point at `pos` < text.size().
CodePoint ReadCodePoint(std::string_view text, std::size_t pos);

}  // namespace arena
