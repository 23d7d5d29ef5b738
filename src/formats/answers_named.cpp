// Answers in JSONL and CSV with named fields.
#include "formats/internal/answer_rows.h"

namespace arena {

Status NamedAnswers(const NamedRow& row, AnswerCollector& out) {
  RecordedAnswer answer;
  answer.line = row.line();
  ARENA_ASSIGN_OR_RETURN(answer.model, row.Text("model"));
  if (!out.Wants(answer.model)) return {};
  ARENA_ASSIGN_OR_RETURN(answer.instruction_id, row.Text("id"));
  ARENA_ASSIGN_OR_RETURN(NamedValue prompt, row.Get("prompt"));
  if (!prompt.texts.empty()) answer.prompt = std::move(prompt.texts.front());
  if (answer.instruction_id.empty() && answer.prompt.empty()) {
    return row.Fail(
        "the row has neither an id nor a prompt, so nothing says what it answers; name their "
        "fields in columns");
  }
  ARENA_ASSIGN_OR_RETURN(NamedValue text, row.Get("answer"));
  if (!text.is_present) {
    return row.Fail("there is no field \"answer\"; name the field with the answer in columns");
  }
  if (text.is_null) return {};
  if (text.texts.empty()) return row.Fail("the answer is an empty list");
  answer.turns = std::move(text.texts);
  ARENA_ASSIGN_OR_RETURN(answer.reasoning, row.Text("reasoning"));
  ARENA_ASSIGN_OR_RETURN(answer.finish_reason, row.Text("finish_reason"));
  out.Add(std::move(answer));
  return {};
}

}  // namespace arena
