// One row of a pool becomes an item.
#include "formats/internal/pool_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "formats/internal/instruction_rows.h"

namespace arena {
namespace {

constexpr std::array<std::string_view, 5> kIdFields = {"id", "question_id", "uid",
                                                       "conversation_id", "hash_id"};
constexpr std::array<std::string_view, 3> kCategoryFields = {"category", "dataset", "source"};
constexpr std::array<std::string_view, 4> kPoolAnswerFields = {"output", "response", "completion",
                                                               "answer"};

std::optional<Role> RoleOfSpeaker(std::string_view name) {
  if (name == "human") return Role::kUser;
  for (const std::string_view model : {"gpt", "chatgpt", "bing", "bard", "model"}) {
    if (name == model) return Role::kAssistant;
  }
  return ParseRole(name);
}

// ShareGPT's {"from", "value"} or {"role", "content"}.
Status AddSpoken(const JsonRow& row, JsonElement element, Conversation& conversation) {
  auto speaker = JsonStringMember(element, "from");
  auto text = JsonStringMember(element, "value");
  if (!speaker) speaker = JsonStringMember(element, "role");
  if (!text) text = JsonStringMember(element, "content");
  if (!speaker || !text) {
    return row.Fail("a message should have \"from\" and \"value\", or \"role\" and \"content\"");
  }
  const auto role = RoleOfSpeaker(*speaker);
  if (!role) {
    return row.Fail(fmt::format(
        "\"{}\" is not a speaker; known are system, human, user, gpt and assistant", *speaker));
  }
  conversation.push_back({*role, std::string(*text)});
  return {};
}

Result<Conversation> Spoken(const JsonRow& row, std::string_view field) {
  Conversation conversation;
  ARENA_ASSIGN_OR_RETURN(const std::string_view system,
                         field == "conversations" ? row.OptionalString("system")
                                                  : Result<std::string_view>(std::string_view()));
  if (!system.empty()) conversation.push_back({Role::kSystem, std::string(system)});
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array(field));
  for (const JsonElement element : messages) {
    ARENA_RETURN_IF_ERROR(AddSpoken(row, element, conversation));
  }
  return conversation;
}

// The existing readers take a closing answer for the reference.
Conversation WithReference(Instruction instruction) {
  Conversation conversation = std::move(instruction.conversation);
  if (instruction.reference) {
    conversation.push_back({Role::kAssistant, *std::move(instruction.reference)});
  }
  return conversation;
}

void AddAnswer(const JsonRow& row, Conversation& conversation) {
  for (const std::string_view field : kPoolAnswerFields) {
    const auto element = row.Find(field);
    if (!element) continue;
    const auto text = JsonString(*element);
    if (text && !text->empty()) conversation.push_back({Role::kAssistant, std::string(*text)});
    return;
  }
}

// Alpaca's history: earlier questions and answers.
Status AddHistory(const JsonRow& row, Conversation& conversation) {
  const auto history = row.Find("history");
  JsonArray pairs;
  if (!history) return {};
  if (history->get(pairs) != simdjson::SUCCESS) {
    return row.WrongType("history", "an array of [question, answer]");
  }
  for (const JsonElement pair : pairs) {
    JsonArray turns;
    if (pair.get(turns) != simdjson::SUCCESS || turns.size() != 2) {
      return row.WrongType("history", "an array of [question, answer]");
    }
    const auto question = JsonString(turns.at(0).value());
    const auto answer = JsonString(turns.at(1).value());
    if (!question || !answer) return row.WrongType("history", "an array of [question, answer]");
    conversation.push_back({Role::kUser, std::string(*question)});
    conversation.push_back({Role::kAssistant, std::string(*answer)});
  }
  return {};
}

// An instruction with its input, as trainers join the two.
std::string Joined(std::string_view instruction, std::string_view input) {
  if (input.empty()) return std::string(instruction);
  return fmt::format("{}\n\n{}", instruction, input);
}

// Alpaca, AlpacaEval, and self-instruct's tasks, whose first instance stands for the task.
Result<Conversation> FromInstruction(const JsonRow& row) {
  Conversation conversation;
  ARENA_ASSIGN_OR_RETURN(const std::string_view system, row.OptionalString("system"));
  if (!system.empty()) conversation.push_back({Role::kSystem, std::string(system)});
  ARENA_RETURN_IF_ERROR(AddHistory(row, conversation));
  ARENA_ASSIGN_OR_RETURN(const std::string_view instruction, row.String("instruction"));
  JsonArray instances;
  const auto tasks = row.Find("instances");
  if (tasks && tasks->get(instances) == simdjson::SUCCESS && instances.size() > 0) {
    const JsonElement first = instances.at(0).value();
    const auto input = JsonStringMember(first, "input");
    const auto output = JsonStringMember(first, "output");
    conversation.push_back({Role::kUser, Joined(instruction, input.value_or(""))});
    if (output && !output->empty()) {
      conversation.push_back({Role::kAssistant, std::string(*output)});
    }
    return conversation;
  }
  ARENA_ASSIGN_OR_RETURN(const std::string_view input, row.OptionalString("input"));
  conversation.push_back({Role::kUser, Joined(instruction, input)});
  AddAnswer(row, conversation);
  return conversation;
}

// A list of texts or of messages.
Status AddTurns(const JsonRow& row, JsonArray list, Conversation& conversation) {
  for (const JsonElement element : list) {
    if (const auto text = JsonString(element)) {
      conversation.push_back({Role::kUser, std::string(*text)});
    } else {
      ARENA_RETURN_IF_ERROR(AddSpoken(row, element, conversation));
    }
  }
  return {};
}

// A field with the question: text, or a list.
Result<Conversation> FromPrompt(const JsonRow& row, std::string_view field) {
  Conversation conversation;
  ARENA_ASSIGN_OR_RETURN(const JsonElement prompt, row.Need(field));
  JsonArray list;
  if (prompt.get(list) == simdjson::SUCCESS) {
    ARENA_RETURN_IF_ERROR(AddTurns(row, list, conversation));
  } else {
    ARENA_ASSIGN_OR_RETURN(const std::string_view text, row.String(field));
    conversation.push_back({Role::kUser, std::string(text)});
  }
  AddAnswer(row, conversation);
  return conversation;
}

Result<Conversation> ConversationOf(const JsonRow& row) {
  if (row.Find("messages")) {
    ARENA_ASSIGN_OR_RETURN(Instruction instruction, OpenAiInstruction(row));
    return WithReference(std::move(instruction));
  }
  for (const std::string_view field : {"conversations", "conversation"}) {
    if (row.Find(field)) return Spoken(row, field);
  }
  if (row.Find("turns")) {
    ARENA_ASSIGN_OR_RETURN(Instruction instruction, FastChatInstruction(row));
    return std::move(instruction.conversation);
  }
  if (row.Find("instruction")) return FromInstruction(row);
  for (const std::string_view field : {"prompt", "question", "text"}) {
    if (row.Find(field)) return FromPrompt(row, field);
  }
  return row.Fail(
      "none of the fields that hold a conversation is here: messages, conversations, "
      "conversation, turns, instruction, prompt, question, text");
}

// The first of the fields that is text or a number.
template <typename Fields>
std::string FirstText(const JsonRow& row, const Fields& fields) {
  for (const std::string_view field : fields) {
    const auto element = row.Find(field);
    if (!element) continue;
    if (auto text = JsonId(*element)) return *std::move(text);
  }
  return "";
}

// lmsys-chat-1m has one judgment for each message.
void AddModeration(const JsonRow& row, std::vector<ItemFlag>& flags) {
  const auto element = row.Find("openai_moderation");
  JsonArray judgments;
  if (!element || element->get(judgments) != simdjson::SUCCESS) return;
  std::string categories;
  bool is_flagged = false;
  for (const JsonElement judgment : judgments) {
    bool flagged = false;
    if (judgment["flagged"].get(flagged) != simdjson::SUCCESS || !flagged) continue;
    is_flagged = true;
    JsonObject names;
    if (judgment["categories"].get(names) != simdjson::SUCCESS) continue;
    for (const auto [name, value] : names) {
      bool applies = false;
      if (value.get(applies) != simdjson::SUCCESS || !applies) continue;
      if (categories.find(name) != std::string::npos) continue;
      categories += fmt::format("{}{}", categories.empty() ? "" : ", ", name);
    }
  }
  if (is_flagged) flags.push_back({"openai_moderation", categories});
}

void AddBooleanFlag(const JsonRow& row, std::string_view field, std::vector<ItemFlag>& flags) {
  const auto element = row.Find(field);
  bool value = false;
  if (element && element->get(value) == simdjson::SUCCESS && value) {
    flags.push_back({std::string(field), ""});
  }
}

// The finite number that a cell is; nothing for any other text.
std::optional<double> CellNumber(std::string_view cell) {
  const std::string text(cell);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::string ConversationProblem(const Conversation& conversation) {
  if (conversation.empty()) return "the conversation is empty";
  bool was_asked = false;
  for (std::size_t i = 0; i < conversation.size(); ++i) {
    const Message& message = conversation[i];
    if (message.role == Role::kSystem && i > 0) {
      return "a system message stands after the first message";
    }
    if (message.role == Role::kAssistant) {
      if (!was_asked) return "an answer stands where a question should";
      was_asked = false;
    }
    if (message.role == Role::kUser) {
      if (message.content.empty()) return "a question is empty";
      was_asked = true;
    }
  }
  const auto is_question = [](const Message& m) { return m.role == Role::kUser; };
  if (std::none_of(conversation.begin(), conversation.end(), is_question)) {
    return "the conversation asks nothing";
  }
  return "";
}

Result<PoolItem> PoolItemOf(const JsonRow& row, std::string_view score_column) {
  PoolItem item;
  item.line = row.line();
  ARENA_ASSIGN_OR_RETURN(item.conversation, ConversationOf(row));
  if (const std::string problem = ConversationProblem(item.conversation); !problem.empty()) {
    return row.Fail(problem);
  }
  item.id = FirstText(row, kIdFields);
  item.category = FirstText(row, kCategoryFields);
  AddModeration(row, item.flags);
  AddBooleanFlag(row, "toxic", item.flags);
  AddBooleanFlag(row, "redacted", item.flags);
  if (const auto score = row.Find(score_column)) item.score = JsonNumber(*score);
  for (const std::string_view name : kInstructionScores) {
    const auto element = row.Find(name);
    const auto value = element ? JsonNumber(*element) : std::nullopt;
    if (value) item.scores.push_back({std::string(name), *value});
  }
  return item;
}

PoolColumns FindPoolColumns(const CsvReader& csv, std::string_view score_column) {
  const auto first = [&](const auto& names) {
    std::optional<std::size_t> column;
    for (const std::string_view name : names) {
      if (!column) column = csv.Find(name);
    }
    return column;
  };
  PoolColumns columns;
  columns.prompt =
      first(std::array<std::string_view, 4>{"prompt", "instruction", "question", "text"});
  columns.input = csv.Find("input");
  columns.answer = first(kPoolAnswerFields);
  columns.id = first(kIdFields);
  columns.category = first(kCategoryFields);
  columns.score = csv.Find(score_column);
  for (const std::string_view name : kInstructionScores) {
    if (const auto column = csv.Find(name)) columns.scores.emplace_back(name, *column);
  }
  return columns;
}

Result<PoolItem> PoolItemOf(const CsvReader& csv, const PoolColumns& columns) {
  const auto text = [&](std::optional<std::size_t> column) {
    return column ? csv.field(*column) : std::string_view();
  };
  PoolItem item;
  item.line = csv.line();
  item.conversation.push_back({Role::kUser, Joined(text(columns.prompt), text(columns.input))});
  if (!text(columns.answer).empty()) {
    item.conversation.push_back({Role::kAssistant, std::string(text(columns.answer))});
  }
  item.id = text(columns.id);
  item.category = text(columns.category);
  if (const std::string_view score = text(columns.score); !score.empty()) {
    item.score = CellNumber(score);
    if (!item.score) return csv.Fail(fmt::format("the score \"{}\" is not a number", score));
  }
  for (const auto& [name, column] : columns.scores) {
    if (const auto value = CellNumber(csv.field(column))) {
      item.scores.push_back({std::string(name), *value});
    }
  }
  if (const std::string problem = ConversationProblem(item.conversation); !problem.empty()) {
    return csv.Fail(problem);
  }
  return item;
}

}  // namespace arena
