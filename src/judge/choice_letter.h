// The letter that an answer to a multiple-choice question picks.
#pragma once

#include <string>
#include <string_view>

namespace arena {

struct ChosenLetter {
  char letter = '\0';  ///< upper case; NUL: none found, or several
  /// Where it was found ("`answer`", "the start of a line" ...), or why there is none.
  std::string reason;
};

/// `letters`: the upper-case letters that may be chosen. Looked for, in this order: after the last
/// answer mark (answer_mark.h, all but `A:`) that names a letter; at the start of a line ("B",
/// "(b)", "B. because"); in brackets anywhere; as a capital standing alone ("A" and "I" only where
/// they are no words). Several different letters in the place that decides are no choice. Linear
/// time.
ChosenLetter FindChosenLetter(std::string_view text, std::string_view letters);

}  // namespace arena
