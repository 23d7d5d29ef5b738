// Counts of length and Markdown, the features of style control.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/contestant.h"

namespace arena {

/// Counts tokens, headers, list items and bold spans of an answer. Never fails: any bytes are
/// accepted, in time linear in their number. Thread-safe.
///
/// tokens: an approximation that needs no vocabulary, the number of words and marks in the whole
///   text, code included. A word is a maximal run of ASCII letters, digits and underscores and of
///   characters beyond ASCII; every other visible ASCII character is a mark and counts one. An
///   ideograph, kana or Hangul syllable counts one by itself (such scripts put no spaces between
///   words), as does general or CJK punctuation. A byte that is not valid UTF-8 is part of a word.
/// The other three are counted line by line with fenced code left out:
/// headers: one to six `#` at the start of a line, then a space or a tab.
/// lists: items; any indentation, then `-`, `*`, `+` or digits and a full stop, then a space or
/// tab. bold: `**x**` and `__x__` within one line, where x is not empty and has no `*` (or `_`).
///
/// A code fence is a line of any indentation that starts with three or more backticks or tildes
/// (backticks: no further backtick in that line); it ends at a line of the same mark at least as
/// often and nothing else, or at the end of the text.
StyleCounts CountStyle(std::string_view markdown);

/// Unicode code points of UTF-8 text; a character that is split over two texts counts where it
/// begins. Thread-safe.
std::int64_t CountCharacters(std::string_view utf8);

}  // namespace arena
