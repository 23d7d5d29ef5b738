// Words of a text, normalised: what duplicates and overlaps are looked for in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace arena {

/// A word is a run of letters, digits and marks (Unicode categories L, M, N), case-folded; in
/// scripts that are written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) every letter is a
/// word with the marks that follow it. All else, invalid UTF-8 and NUL included, only separates.
/// Nothing is composed or decomposed, so a letter and the same letter spelled with a combining mark
/// differ.
///
/// Appends a 64-bit hash of each word of `text` to `hashes`. Thread-safe.
void AppendWordHashes(std::string_view text, std::vector<std::uint64_t>& hashes);

/// The words of `text`, case-folded, with one space between two. Thread-safe.
std::string NormalizedText(std::string_view text);

}  // namespace arena
