// What Python's strings can do, on texts that keep their marks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/jinja/budget.h"
#include "text/jinja/marked_text.h"

namespace arena::jinja {

/// The first place of `needle` at or after `from`, in linear time; npos: none.
std::size_t Find(std::string_view text, std::string_view needle, std::size_t from);

/// Where each character begins, and the size of the text last.
std::vector<std::size_t> CharacterStarts(std::string_view text);

enum class Side { kBoth, kLeft, kRight };
/// Without the characters of `characters` at its ends; none: without white space.
MarkedText Strip(const MarkedText& text, std::optional<std::string_view> characters, Side side);

// These three end early where the budget ends, which the caller then checks.
/// The pieces between separators (not empty), after at most `limit` of them; negative: all.
std::vector<MarkedText> Split(const MarkedText& text, std::string_view separator,
                              std::int64_t limit, Budget& budget);
/// The words between white space.
std::vector<MarkedText> SplitWords(const MarkedText& text, Budget& budget);
/// The lines without their ends.
std::vector<MarkedText> SplitLines(const MarkedText& text, Budget& budget);

/// Every `from` (not empty), or the first `limit`, becomes `to`; nothing where the result would be
/// longer than `max_size` bytes.
std::optional<MarkedText> Replace(const MarkedText& text, std::string_view from,
                                  const MarkedText& to, std::int64_t limit, std::size_t max_size);

enum class LetterCase { kUpper, kLower, kTitle, kCapitalized };
/// kTitle: each word's first letter is upper case and the rest lower; kCapitalized: the text's.
MarkedText WithCase(const MarkedText& text, LetterCase letter_case);

}  // namespace arena::jinja
