#include "formats/internal/training_turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "formats/internal/messages.h"

namespace arena {
namespace {

constexpr std::array<std::string_view, 3> kCutReasons = {"length", "max_tokens", "cancelled"};

// Of a row or of a message.
Result<bool> IsCut(const JsonRow& row, const JsonObject& object) {
  JsonElement element;
  if (object.at_key("cut").get(element) == simdjson::SUCCESS && !element.is_null()) {
    bool cut = false;
    if (element.get(cut) != simdjson::SUCCESS) return row.WrongType("cut", "true or false");
    return cut;
  }
  if (object.at_key("finish_reason").get(element) != simdjson::SUCCESS) return false;
  const auto reason = JsonString(element);
  return reason && std::find(kCutReasons.begin(), kCutReasons.end(), *reason) != kCutReasons.end();
}

// Whether OpenAI's "weight" leaves the assistant's turn out.
Result<bool> IsMasked(const JsonRow& row, const JsonObject& message) {
  JsonElement element;
  if (message.at_key("weight").get(element) != simdjson::SUCCESS || element.is_null()) return false;
  const auto weight = JsonNumber(element);
  if (weight != 0.0 && weight != 1.0)
    return row.Fail("the \"weight\" of a message should be 0 or 1");
  return weight == 0.0;
}

Status AddTurn(const JsonRow& row, JsonElement element, TrainingAnswer& turns) {
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) return row.Fail("a message should be an object");
  JsonElement ignored;
  const bool is_share_gpt = object.at_key("from").get(ignored) == simdjson::SUCCESS;
  ARENA_ASSIGN_OR_RETURN(Message message, is_share_gpt ? ReadShareGptMessage(row, element)
                                                       : ReadMessage(row, element));
  if (message.role == Role::kAssistant) {
    ARENA_ASSIGN_OR_RETURN(const bool masked, IsMasked(row, object));
    if (masked) turns.masked.push_back(turns.turns.size());
  }
  turns.turns.push_back(std::move(message));
  ARENA_ASSIGN_OR_RETURN(turns.is_cut, IsCut(row, object));
  return {};
}

// Puts a system prompt before the turns. Error: they begin with another one.
Status PutSystem(const JsonRow& row, TrainingAnswer& turns) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view system, row.OptionalString("system"));
  if (system.empty()) return {};
  if (!turns.turns.empty() && turns.turns.front().role == Role::kSystem) {
    if (turns.turns.front().content == system) return {};
    return row.Fail("there are two system prompts: \"system\" and the first message");
  }
  TrainingAnswer with_system;
  with_system.turns.push_back({Role::kSystem, std::string(system)});
  Append(std::move(turns), with_system);
  turns = std::move(with_system);
  return {};
}

// Earlier turns as [user, assistant] pairs.
Status AddHistory(const JsonRow& row, TrainingAnswer& turns) {
  const auto element = row.Find("history");
  if (!element) return {};
  JsonArray pairs;
  constexpr std::string_view kExpected = "a list of [user, assistant] pairs";
  if (element->get(pairs) != simdjson::SUCCESS) return row.WrongType("history", kExpected);
  for (const JsonElement entry : pairs) {
    JsonArray pair;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      return row.WrongType("history", kExpected);
    }
    const auto user = JsonString(pair.at(0).value());
    const auto assistant = JsonString(pair.at(1).value());
    if (!user || !assistant) return row.WrongType("history", kExpected);
    turns.turns.push_back({Role::kUser, std::string(*user)});
    turns.turns.push_back({Role::kAssistant, std::string(*assistant)});
  }
  return {};
}

}  // namespace

Result<TrainingAnswer> ReadTurns(const JsonRow& row, JsonArray messages) {
  TrainingAnswer turns;
  for (const JsonElement element : messages) ARENA_RETURN_IF_ERROR(AddTurn(row, element, turns));
  if (turns.turns.empty()) return row.Fail("there are no messages");
  return turns;
}

Result<TurnsOrText> ReadTurnsOrText(const JsonRow& row, std::string_view key, Role role) {
  ARENA_ASSIGN_OR_RETURN(const JsonElement element, row.Need(key));
  TurnsOrText read;
  if (const auto text = JsonString(element)) {
    read.is_text = true;
    read.turns.turns.push_back({role, std::string(*text)});
    return read;
  }
  JsonArray messages;
  if (element.get(messages) == simdjson::SUCCESS) {
    ARENA_ASSIGN_OR_RETURN(read.turns, ReadTurns(row, messages));
    return read;
  }
  if (!element.is_object()) return row.WrongType(key, "text, a message or a list of messages");
  ARENA_RETURN_IF_ERROR(AddTurn(row, element, read.turns));
  return read;
}

Result<TurnsOrText> ReadPrompt(const JsonRow& row, std::string_view key) {
  ARENA_ASSIGN_OR_RETURN(TurnsOrText prompt, ReadTurnsOrText(row, key, Role::kUser));
  if (prompt.turns.turns.back().role != Role::kAssistant) return prompt;
  return row.Fail(fmt::format("\"{}\" should end before the assistant's turn", key));
}

Result<bool> RowIsCut(const JsonRow& row) { return IsCut(row, row.object()); }

TrainingAnswer AnswerOf(std::string_view text) {
  TrainingAnswer answer;
  answer.turns.push_back({Role::kAssistant, std::string(text)});
  return answer;
}

void Append(TrainingAnswer more, TrainingAnswer& turns) {
  for (const std::size_t index : more.masked) turns.masked.push_back(turns.turns.size() + index);
  std::move(more.turns.begin(), more.turns.end(), std::back_inserter(turns.turns));
  turns.is_cut = more.is_cut;
}

Result<TrainingAnswer> AlpacaPrompt(const JsonRow& row) {
  TrainingAnswer turns;
  ARENA_RETURN_IF_ERROR(PutSystem(row, turns));
  ARENA_RETURN_IF_ERROR(AddHistory(row, turns));
  ARENA_ASSIGN_OR_RETURN(const std::string_view instruction, row.String("instruction"));
  ARENA_ASSIGN_OR_RETURN(const std::string_view input, row.OptionalString("input"));
  std::string question(instruction);
  if (!input.empty()) question += fmt::format("\n{}", input);
  turns.turns.push_back({Role::kUser, std::move(question)});
  return turns;
}

Result<TrainingAnswer> ShareGptTurns(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array("conversations"));
  ARENA_ASSIGN_OR_RETURN(TrainingAnswer turns, ReadTurns(row, messages));
  ARENA_RETURN_IF_ERROR(PutSystem(row, turns));
  return turns;
}

}  // namespace arena
