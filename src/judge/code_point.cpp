#include "judge/code_point.h"

#include <unicode/utf8.h>

#include <algorithm>

namespace arena {

CodePoint ReadCodePoint(std::string_view text, std::size_t pos) {
  const auto limit = static_cast<std::int32_t>(std::min<std::size_t>(text.size() - pos, 4));
  std::int32_t length = 0;
  UChar32 value = 0;
  // ICU's macro narrows on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
  U8_NEXT(text.data() + pos, length, limit, value);
#pragma GCC diagnostic pop
  return {value, static_cast<std::size_t>(length)};
}

}  // namespace arena
