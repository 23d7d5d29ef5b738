// Showing text that others wrote (names, answers, explanations) without letting it act: on a
// terminal an escape sequence can move the cursor, retitle the window or hide what was printed.
// Every function is pure and thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace arena {

/// `text` as one line that is safe to print: control characters (C0, DEL, C1), line and paragraph
/// separators and invisible format characters (bidirectional overrides, tags) become escapes such
/// as `\x1b`, `\n` or `\u202e`; bytes that are not UTF-8 become U+FFFD. The zero-width joiners
/// that scripts and emoji need stay. The result is valid UTF-8.
std::string VisibleLine(std::string_view text);

/// The same, but line ends stay (`\r\n` becomes `\n`) and a tab becomes four spaces.
std::string VisibleText(std::string_view text);

/// Terminal columns that valid UTF-8 takes: two for wide characters, none for combining marks.
int DisplayWidth(std::string_view text);

/// `text` (one line) if it is at most `width` columns wide, else its start and an ellipsis, `width`
/// columns in all. `unicode` chooses between U+2026 and "...".
std::string CutToWidth(std::string_view text, int width, bool unicode);

enum class Align { kLeft, kRight };

/// `text` with spaces up to `width` columns; unchanged if it is wider.
std::string PadToWidth(std::string_view text, int width, Align align);

/// The lines of `text` broken at spaces to at most `width` columns (at least 2); a longer word is
/// broken where it must be. Leading spaces of a line stay, so code keeps its indentation.
std::vector<std::string> WrapText(std::string_view text, int width);

}  // namespace arena
