// Where a text marks its final answer.
#pragma once

#include <string_view>

#include "base/function_ref.h"

namespace arena {

enum class AnswerMark {
  kBoxed,   ///< \boxed{18}, \fbox{18}
  kHashes,  ///< #### 18
  kLetter,  ///< A: 18, at the start of a line
  kWord,    ///< "Answer: 18", "the answer is 18"
};

/// As printed: "`####`".
std::string_view AnswerMarkName(AnswerMark mark);

/// Calls `visit(mark, field)` for the marks of `text` (made by PlainMath), the last one first,
/// until it returns true. The field is what the mark announces: the inside of the box, or the rest
/// of the sentence; where that line is blank, the next one. Looks at no more than 256 marks and 4
/// KiB after each, so the time is linear in the text. Returns whether a visit returned true.
bool VisitAnswerMarks(std::string_view text,
                      FunctionRef<bool(AnswerMark mark, std::string_view field)> visit);

}  // namespace arena
