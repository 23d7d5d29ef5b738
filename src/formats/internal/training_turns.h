// What the readers of training rows share. Includes simdjson: for the .cpp files of this folder
// only.
#pragma once

#include <string_view>

#include "base/result.h"
#include "formats/internal/json_rows.h"
#include "formats/training_rows.h"

namespace arena {

/// Messages of a list, as {"role", "content"} or {"from", "value"}, each by its own members, with
/// the assistant's "weight" (0: not learned) and whether the last one was cut. Errors: an empty
/// list, a message that is none.
Result<TrainingAnswer> ReadTurns(const JsonRow& row, JsonArray messages);

/// A text, a message or a list of messages.
struct TurnsOrText {
  bool is_text = false;
  TrainingAnswer turns;  ///< where it is a text: one message of the given role
};
Result<TurnsOrText> ReadTurnsOrText(const JsonRow& row, std::string_view key, Role role);

/// The same for prompts, which end before the assistant's turn. Errors: they do not.
Result<TurnsOrText> ReadPrompt(const JsonRow& row, std::string_view key);

/// Whether the row says that its answer was cut off: "cut", or "finish_reason" of "length",
/// "max_tokens" or "cancelled".
Result<bool> RowIsCut(const JsonRow& row);

/// The assistant's turn.
TrainingAnswer AnswerOf(std::string_view text);

/// Appends the turns of `more`.
void Append(TrainingAnswer more, TrainingAnswer& turns);

/// Alpaca's question: system, history and what is asked, all as turns.
Result<TrainingAnswer> AlpacaPrompt(const JsonRow& row);
/// ShareGPT's `system` and `conversations`.
Result<TrainingAnswer> ShareGptTurns(const JsonRow& row);

/// Reads one row, but for its number and its place.
using TrainingRowReader = Result<TrainingRow> (*)(const JsonRow& row);

// One reader a form; docs/formats/training-data.md has the list.
Result<TrainingRow> MessagesRow(const JsonRow& row);
Result<TrainingRow> ShareGptRow(const JsonRow& row);
Result<TrainingRow> AlpacaRow(const JsonRow& row);
Result<TrainingRow> CompletionRow(const JsonRow& row);
Result<TrainingRow> InputOutputRow(const JsonRow& row);
Result<TrainingRow> TextRow(const JsonRow& row);

Result<TrainingRow> PreferenceRow(const JsonRow& row);
Result<TrainingRow> AlpacaPreferenceRow(const JsonRow& row);
Result<TrainingRow> ShareGptPreferenceRow(const JsonRow& row);

Result<TrainingRow> PromptRow(const JsonRow& row);
Result<TrainingRow> InputPromptRow(const JsonRow& row);
Result<TrainingRow> MessagesPromptRow(const JsonRow& row);
Result<TrainingRow> ShareGptPromptRow(const JsonRow& row);
Result<TrainingRow> AlpacaPromptRow(const JsonRow& row);

}  // namespace arena
