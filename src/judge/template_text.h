// A prompt with placeholders, in the syntax of FastChat's prompt templates and a little more.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace arena {

/// What may stand in a prompt: {question}, {answer_a_2} (the second turn) ...
enum class PromptValue {
  kQuestion,   ///< {question}, {question_N}
  kAnswer,     ///< {answer}, {answer_N}: of a single score
  kAnswerA,    ///< {answer_a}, {answer_a_N}
  kAnswerB,    ///< {answer_b}, {answer_b_N}
  kReference,  ///< {reference}, {ref_answer_N}
  kHistory,    ///< {history}: what precedes the first open question
  kDialogue,   ///< {dialogue}: the open questions with their answers
  kDialogueA,  ///< {dialogue_a}
  kDialogueB,  ///< {dialogue_b}
  kBoundary,   ///< {boundary}: occurs in no text that is judged
};

/// What a line {if X} or {if not X} asks.
enum class PromptCondition { kReference, kHistory, kDialogue, kJson };

/// Immutable; thread-safe.
class TemplateText {
 public:
  /// Where a text stands, for errors.
  struct Place {
    std::string_view file;
    int line = 1;                 ///< of its first line
    bool is_in_one_line = false;  ///< its line ends are escaped
  };
  /// Errors: an unknown placeholder or condition, a brace that stands alone, {if} without {end}.
  static Result<TemplateText> Parse(std::string_view text, const Place& place);

  /// `value(what, turn)`: turn 0 is the last one. `holds(condition)` decides {if}.
  std::string Render(FunctionRef<std::string(PromptValue, int)> value,
                     FunctionRef<bool(PromptCondition)> holds) const;

  /// Whether `value` stands in it, in or outside {if}.
  bool Uses(PromptValue value) const;
  /// The same outside {if} and {else}: it cannot do without.
  bool Needs(PromptValue value) const;
  bool Asks(PromptCondition condition) const;
  /// The largest N of {question_N} and the like; 0: none.
  int last_turn() const;

 private:
  enum class Kind { kText, kValue, kIf, kElse, kEnd };
  struct Part {
    Kind kind = Kind::kText;
    std::string text;                                         // kText
    PromptValue value = PromptValue::kQuestion;               // kValue
    int turn = 0;                                             // kValue
    PromptCondition condition = PromptCondition::kReference;  // kIf
    bool negated = false;                                     // kIf
  };
  Status AddControl(std::string_view control);
  Status AddLine(std::string_view line);
  Status AddValue(std::string_view name);
  void AddText(std::string_view text);

  std::vector<Part> parts_;
};

}  // namespace arena
