// The forms of conversations and of prompts; a row becomes what is learned or asked.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "formats/internal/training_turns.h"

namespace arena {
namespace {

// All of the assistant's turns are learned.
Result<TrainingRow> WholeConversation(const JsonRow& row, TrainingAnswer turns) {
  ARENA_ASSIGN_OR_RETURN(const bool is_cut, RowIsCut(row));
  TrainingRow read;
  read.answer = std::move(turns);
  read.answer.is_cut = read.answer.is_cut || is_cut;
  return read;
}

// The conversation up to where the assistant would speak last.
Result<TrainingRow> PromptOf(const JsonRow& row, TrainingAnswer turns) {
  Conversation& prompt = turns.turns;
  while (!prompt.empty() && prompt.back().role == Role::kAssistant) prompt.pop_back();
  if (prompt.empty()) return row.Fail("nobody but the assistant speaks: there is no prompt");
  TrainingRow read;
  read.prompt = std::move(prompt);
  return read;
}

Result<TrainingAnswer> MessagesOf(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array("messages"));
  return ReadTurns(row, messages);
}

// A prompt, which is not learned, and what follows it.
Result<TrainingRow> PromptAndAnswer(const JsonRow& row, std::string_view prompt_key,
                                    std::string_view answer_key) {
  ARENA_ASSIGN_OR_RETURN(TurnsOrText prompt, ReadPrompt(row, prompt_key));
  ARENA_ASSIGN_OR_RETURN(TurnsOrText answer, ReadTurnsOrText(row, answer_key, Role::kAssistant));
  if (answer.turns.turns.front().role != Role::kAssistant) {
    return row.Fail(fmt::format("\"{}\" should begin with the assistant's turn", answer_key));
  }
  ARENA_ASSIGN_OR_RETURN(TrainingRow read, WholeConversation(row, std::move(answer.turns)));
  read.prompt = std::move(prompt.turns.turns);
  return read;
}

}  // namespace

Result<TrainingRow> MessagesRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, MessagesOf(row));
  return WholeConversation(row, std::move(turns));
}

Result<TrainingRow> ShareGptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, ShareGptTurns(row));
  return WholeConversation(row, std::move(turns));
}

Result<TrainingRow> AlpacaRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, AlpacaPrompt(row));
  ARENA_ASSIGN_OR_RETURN(const std::string_view output, row.String("output"));
  Append(AnswerOf(output), turns);
  return WholeConversation(row, std::move(turns));
}

Result<TrainingRow> CompletionRow(const JsonRow& row) {
  return PromptAndAnswer(row, "prompt", "completion");
}

Result<TrainingRow> InputOutputRow(const JsonRow& row) {
  if (row.Find("output")) return PromptAndAnswer(row, "input", "output");
  ARENA_ASSIGN_OR_RETURN(TurnsOrText input, ReadTurnsOrText(row, "input", Role::kUser));
  if (input.is_text) return row.Fail("there is an \"input\" and no \"output\"");
  return WholeConversation(row, std::move(input.turns));
}

Result<TrainingRow> TextRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view text, row.String("text"));
  ARENA_ASSIGN_OR_RETURN(TrainingRow read, WholeConversation(row, AnswerOf(text)));
  read.is_plain = true;
  return read;
}

Result<TrainingRow> PromptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TurnsOrText prompt, ReadPrompt(row, "prompt"));
  return PromptOf(row, std::move(prompt.turns));
}

Result<TrainingRow> InputPromptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TurnsOrText prompt, ReadTurnsOrText(row, "input", Role::kUser));
  return PromptOf(row, std::move(prompt.turns));
}

Result<TrainingRow> MessagesPromptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, MessagesOf(row));
  return PromptOf(row, std::move(turns));
}

Result<TrainingRow> ShareGptPromptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, ShareGptTurns(row));
  return PromptOf(row, std::move(turns));
}

Result<TrainingRow> AlpacaPromptRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, AlpacaPrompt(row));
  return PromptOf(row, std::move(turns));
}

}  // namespace arena
