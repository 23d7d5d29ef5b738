// Edit distance over Unicode text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace arena {

/// The code points of `text`; each byte that is not valid UTF-8 is one of its own, outside
/// Unicode's range, so that different bytes stay different.
std::u32string CodePoints(std::string_view text);

/// Levenshtein distance in code points. Time: a.size() * b.size() / 64 (Myers' bit vectors in
/// blocks, after Hyyro); memory: the shorter one's.
std::size_t CodePointDistance(std::u32string_view a, std::u32string_view b);

}  // namespace arena
