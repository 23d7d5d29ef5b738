// One function per instruction format: a row becomes an instruction.
#include <fmt/format.h>

#include "formats/internal/instruction_rows.h"
#include "formats/internal/messages.h"

namespace arena {
namespace {

void AddUserTurn(Instruction& instruction, std::string_view text) {
  instruction.conversation.push_back({Role::kUser, std::string(text)});
}

Result<Instruction> WithIdAndCategory(const JsonRow& row, std::string_view id_field) {
  Instruction instruction;
  ARENA_RETURN_IF_ERROR(row.Need(id_field));
  ARENA_ASSIGN_OR_RETURN(instruction.id, row.OptionalId(id_field));
  ARENA_ASSIGN_OR_RETURN(instruction.category, row.OptionalString("category"));
  return instruction;
}

// Turns that are strings (FastChat) or objects with the text as "content" (arena-hard v0.1).
Status AddTurns(const JsonRow& row, Instruction& instruction) {
  ARENA_ASSIGN_OR_RETURN(const JsonArray turns, row.Array("turns"));
  for (const JsonElement turn : turns) {
    auto text = JsonString(turn);
    if (!text) text = JsonStringMember(turn, "content");
    if (!text) return row.Fail("a turn should be a string, or an object with \"content\"");
    AddUserTurn(instruction, *text);
  }
  if (instruction.conversation.empty()) return row.Fail("the question has no turns");
  return {};
}

// FastChat has a reference for every turn; the last turn is the one that is judged.
Status AddReference(const JsonRow& row, Instruction& instruction) {
  const auto element = row.Find("reference");
  if (!element) return {};
  JsonArray list;
  if (element->get(list) != simdjson::SUCCESS) {
    auto text = JsonId(*element);
    if (!text) return row.WrongType("reference", "text, or a list of one text for every turn");
    instruction.reference = *std::move(text);
    return {};
  }
  if (list.size() == 0) return {};
  if (list.size() != instruction.conversation.size()) {
    return row.Fail(fmt::format("there are {} references for {} turns", list.size(),
                                instruction.conversation.size()));
  }
  for (const JsonElement entry : list) {
    auto text = JsonId(entry);
    if (!text) return row.WrongType("reference", "text, or a list of one text for every turn");
    instruction.reference = *std::move(text);
  }
  return {};
}

}  // namespace

Result<Instruction> FastChatInstruction(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(Instruction instruction, WithIdAndCategory(row, "question_id"));
  ARENA_RETURN_IF_ERROR(AddTurns(row, instruction));
  ARENA_RETURN_IF_ERROR(AddReference(row, instruction));
  return instruction;
}

Result<Instruction> ArenaHardInstruction(const JsonRow& row) {
  const bool is_v2 = row.Find("uid").has_value();
  ARENA_ASSIGN_OR_RETURN(Instruction instruction,
                         WithIdAndCategory(row, is_v2 ? "uid" : "question_id"));
  if (!is_v2) {
    ARENA_RETURN_IF_ERROR(AddTurns(row, instruction));
    return instruction;
  }
  ARENA_ASSIGN_OR_RETURN(const std::string_view prompt, row.String("prompt"));
  AddUserTurn(instruction, prompt);
  return instruction;
}

Result<Instruction> AlpacaEvalInstruction(const JsonRow& row) {
  Instruction instruction;
  ARENA_ASSIGN_OR_RETURN(const std::string_view prompt, row.String("instruction"));
  AddUserTurn(instruction, prompt);
  ARENA_ASSIGN_OR_RETURN(instruction.category, row.OptionalString("dataset"));
  return instruction;
}

Result<Instruction> Gsm8kInstruction(const JsonRow& row) {
  Instruction instruction;
  ARENA_ASSIGN_OR_RETURN(const std::string_view question, row.String("question"));
  AddUserTurn(instruction, question);
  ARENA_ASSIGN_OR_RETURN(const std::string_view reference,
                         row.String(row.Find("ground_truth") ? "ground_truth" : "answer"));
  instruction.reference = std::string(reference);
  return instruction;
}

Result<Instruction> OpenAiInstruction(const JsonRow& row) {
  Instruction instruction;
  ARENA_ASSIGN_OR_RETURN(instruction.id, row.OptionalId("id"));
  ARENA_ASSIGN_OR_RETURN(instruction.category, row.OptionalString("category"));
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array("messages"));
  for (const JsonElement element : messages) {
    ARENA_ASSIGN_OR_RETURN(Message message, ReadMessage(row, element));
    instruction.conversation.push_back(std::move(message));
  }
  Conversation& conversation = instruction.conversation;
  if (!conversation.empty() && conversation.back().role == Role::kAssistant) {
    instruction.reference = std::move(conversation.back().content);
    conversation.pop_back();
  }
  return instruction;
}

Result<Instruction> NamedInstruction(const NamedRow& row) {
  Instruction instruction;
  ARENA_ASSIGN_OR_RETURN(instruction.id, row.Text("id"));
  ARENA_ASSIGN_OR_RETURN(instruction.category, row.Text("category"));
  ARENA_ASSIGN_OR_RETURN(const NamedValue prompt, row.Get("prompt"));
  if (prompt.texts.empty()) {
    return row.Fail("there is no field \"prompt\"; name the field with the question in columns");
  }
  for (const std::string& turn : prompt.texts) AddUserTurn(instruction, turn);
  ARENA_ASSIGN_OR_RETURN(const NamedValue reference, row.Get("reference"));
  if (reference.is_list) return row.Fail("the reference should be one text, not a list");
  // A CSV cell cannot be absent: an empty one says that there is no reference.
  if (!reference.texts.empty() && !reference.texts.front().empty()) {
    instruction.reference = reference.texts.front();
  }
  return instruction;
}

}  // namespace arena
