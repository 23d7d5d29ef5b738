// The forms of preferences; a row becomes a prompt with a chosen and a rejected answer.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "formats/internal/training_turns.h"

namespace arena {
namespace {

struct Sides {
  TurnsOrText chosen, rejected;
};

Result<Sides> ReadSides(const JsonRow& row) {
  Sides sides;
  ARENA_ASSIGN_OR_RETURN(sides.chosen, ReadTurnsOrText(row, "chosen", Role::kAssistant));
  ARENA_ASSIGN_OR_RETURN(sides.rejected, ReadTurnsOrText(row, "rejected", Role::kAssistant));
  if (sides.chosen.is_text != sides.rejected.is_text) {
    return row.Fail("\"chosen\" and \"rejected\" should both be text, or both be messages");
  }
  return sides;
}

Result<TrainingRow> WithPrompt(const JsonRow& row, Conversation prompt, Sides sides) {
  ARENA_ASSIGN_OR_RETURN(const auto margin, row.OptionalNumber("margin"));
  ARENA_ASSIGN_OR_RETURN(const bool is_cut, RowIsCut(row));
  TrainingRow read;
  read.prompt = std::move(prompt);
  read.answer = std::move(sides.chosen.turns);
  read.rejected = std::move(sides.rejected.turns);
  for (TrainingAnswer* answer : {&read.answer, &read.rejected}) {
    if (answer->turns.empty() || answer->turns.front().role != Role::kAssistant) {
      return row.Fail("\"chosen\" and \"rejected\" should go on with the assistant's turn");
    }
    if (answer->turns.back().role != Role::kAssistant) {
      return row.Fail("\"chosen\" and \"rejected\" should end with the assistant's turn");
    }
    answer->is_cut = answer->is_cut || is_cut;
    answer->masked.clear();  // an answer is preferred as a whole
  }
  read.margin = static_cast<float>(margin.value_or(0));
  if (!std::isfinite(read.margin)) return row.WrongType("margin", "a finite number");
  return read;
}

Error NoSharedPrompt(const JsonRow& row) {
  return row.Fail("\"chosen\" and \"rejected\" begin differently, and there is no \"prompt\"");
}

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Two texts that begin with the same prompt: it ends before the last word that the texts share, so
// that neither answer begins within a word and neither is empty.
Result<TrainingRow> SplitTexts(const JsonRow& row, Sides sides) {
  std::string& chosen = sides.chosen.turns.turns.front().content;
  std::string& rejected = sides.rejected.turns.turns.front().content;
  const std::size_t shorter = std::min(chosen.size(), rejected.size());
  auto shared = static_cast<std::size_t>(
      std::mismatch(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(shorter),
                    rejected.begin())
          .first -
      chosen.begin());
  while (shared > 0 && (shared == shorter || !IsBlank(chosen[shared]))) --shared;
  while (shared > 0 && IsBlank(chosen[shared - 1])) --shared;
  if (shared == 0) return NoSharedPrompt(row);
  Conversation prompt = {{Role::kUser, chosen.substr(0, shared)}};
  chosen.erase(0, shared);
  rejected.erase(0, shared);
  ARENA_ASSIGN_OR_RETURN(TrainingRow read, WithPrompt(row, std::move(prompt), std::move(sides)));
  read.is_plain = true;
  return read;
}

void DropFront(std::size_t count, TrainingAnswer& answer) {
  answer.turns.erase(answer.turns.begin(),
                     answer.turns.begin() + static_cast<std::ptrdiff_t>(count));
  std::erase_if(answer.masked, [count](std::size_t index) { return index < count; });
  for (std::size_t& index : answer.masked) index -= count;
}

// Two conversations that begin with the same messages: the prompt ends before the assistant's turn
// by which they differ.
Result<TrainingRow> SplitConversations(const JsonRow& row, Sides sides) {
  const Conversation& chosen = sides.chosen.turns.turns;
  const Conversation& rejected = sides.rejected.turns.turns;
  const std::size_t shorter = std::min(chosen.size(), rejected.size());
  std::size_t shared = 0;
  while (shared < shorter && chosen[shared] == rejected[shared]) ++shared;
  // Where one has no more, or both differ in what they ask, the assistant's turn is further back.
  if (shared == shorter && shared > 0) --shared;
  while (shared > 0 &&
         (chosen[shared].role != Role::kAssistant || rejected[shared].role != Role::kAssistant)) {
    --shared;
  }
  Conversation prompt(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(shared));
  if (prompt.empty()) return NoSharedPrompt(row);
  DropFront(shared, sides.chosen.turns);
  DropFront(shared, sides.rejected.turns);
  return WithPrompt(row, std::move(prompt), std::move(sides));
}

bool BeginWithAssistant(const Sides& sides) {
  return sides.chosen.turns.turns.front().role == Role::kAssistant &&
         sides.rejected.turns.turns.front().role == Role::kAssistant;
}

}  // namespace

Result<TrainingRow> PreferenceRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(Sides sides, ReadSides(row));
  // Whole conversations state their prompt themselves; some data sets repeat it in "prompt".
  if (!BeginWithAssistant(sides)) return SplitConversations(row, std::move(sides));
  if (row.Find("prompt")) {
    ARENA_ASSIGN_OR_RETURN(TurnsOrText prompt, ReadPrompt(row, "prompt"));
    return WithPrompt(row, std::move(prompt.turns.turns), std::move(sides));
  }
  if (sides.chosen.is_text) return SplitTexts(row, std::move(sides));
  return row.Fail("there is no \"prompt\", and the messages begin with the assistant's");
}

Result<TrainingRow> AlpacaPreferenceRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer prompt, AlpacaPrompt(row));
  ARENA_ASSIGN_OR_RETURN(Sides sides, ReadSides(row));
  return WithPrompt(row, std::move(prompt.turns), std::move(sides));
}

Result<TrainingRow> ShareGptPreferenceRow(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer prompt, ShareGptTurns(row));
  if (prompt.turns.back().role == Role::kAssistant) {
    return row.Fail("\"conversations\" should end before the assistant's turn");
  }
  ARENA_ASSIGN_OR_RETURN(Sides sides, ReadSides(row));
  return WithPrompt(row, std::move(prompt.turns), std::move(sides));
}

}  // namespace arena
