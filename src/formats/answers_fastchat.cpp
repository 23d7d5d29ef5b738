// Answers of FastChat and arena-hard: one row a question, with choices (samples) of turns, or with
// the messages of the conversation.
#include <fmt/format.h>

#include "formats/internal/answer_rows.h"

namespace arena {
namespace {

// What FastChat records where the model could not be reached.
constexpr std::string_view kFailedAnswer = "$ERROR$";

// The text of a turn: a string, or an object with the text in one of its members. An empty result
// stands for null, an answer that was never had.
struct TurnText {
  std::optional<std::string> text;
  std::string reasoning;
};

Result<TurnText> ReadTurn(const JsonRow& row, JsonElement turn, std::string_view member) {
  TurnText result;
  JsonObject object;
  if (turn.get(object) == simdjson::SUCCESS) {
    result.reasoning = JsonStringMember(turn, "thought").value_or("");
    JsonElement inner;
    if (object.at_key(member).get(inner) != simdjson::SUCCESS) {
      return row.Fail(fmt::format("a turn has no \"{}\"", member));
    }
    turn = inner;
  }
  if (turn.is_null()) return result;
  const auto text = JsonString(turn);
  if (!text) return row.Fail("the text of a turn should be a string");
  if (*text != kFailedAnswer) result.text = std::string(*text);
  return result;
}

// Adds a turn to an answer; false if it was never had.
bool AddTurn(RecordedAnswer& answer, TurnText&& turn) {
  if (!turn.text) return false;
  answer.turns.push_back(*std::move(turn.text));
  if (!answer.reasoning.empty() && !turn.reasoning.empty()) answer.reasoning += "\n\n";
  answer.reasoning += turn.reasoning;
  return true;
}

Status AddChoice(const JsonRow& row, JsonElement choice, RecordedAnswer answer,
                 AnswerCollector& out) {
  JsonArray turns;
  if (choice["turns"].get(turns) != simdjson::SUCCESS) {
    return row.Fail("a choice has no array \"turns\"");
  }
  if (turns.size() == 0) return row.Fail("a choice has no turns");
  for (const JsonElement turn : turns) {
    ARENA_ASSIGN_OR_RETURN(TurnText text, ReadTurn(row, turn, "content"));
    if (!AddTurn(answer, std::move(text))) return {};
  }
  out.Add(std::move(answer));
  return {};
}

void ReadTokenCount(const JsonRow& row, std::string_view metadata, RecordedAnswer& answer) {
  const auto object = row.Find(metadata);
  std::int64_t tokens = 0;
  if (object && (*object)["token_len"].get(tokens) == simdjson::SUCCESS) {
    answer.usage.completion_tokens = tokens;
  }
}

// Rows of FastChat and of arena-hard v0.1.
Status ReadChoices(const JsonRow& row, AnswerCollector& out) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view model, row.String("model_id"));
  if (!out.Wants(model)) return {};
  RecordedAnswer answer;
  answer.model = std::string(model);
  answer.line = row.line();
  ARENA_RETURN_IF_ERROR(row.Need("question_id"));
  ARENA_ASSIGN_OR_RETURN(answer.instruction_id, row.OptionalId("question_id"));
  ARENA_ASSIGN_OR_RETURN(const JsonArray choices, row.Array("choices"));
  // The count is of the only choice; with several nobody can tell of which.
  if (choices.size() == 1) ReadTokenCount(row, "conv_metadata", answer);
  for (const JsonElement choice : choices) {
    ARENA_RETURN_IF_ERROR(AddChoice(row, choice, answer, out));
  }
  return {};
}

// Rows of arena-hard v2.
Status ReadMessages(const JsonRow& row, AnswerCollector& out) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view model, row.String("model"));
  if (!out.Wants(model)) return {};
  RecordedAnswer answer;
  answer.model = std::string(model);
  answer.line = row.line();
  ARENA_RETURN_IF_ERROR(row.Need("uid"));
  ARENA_ASSIGN_OR_RETURN(answer.instruction_id, row.OptionalId("uid"));
  ReadTokenCount(row, "metadata", answer);
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array("messages"));
  for (const JsonElement message : messages) {
    const auto role = JsonStringMember(message, "role");
    JsonElement content;
    if (!role || message["content"].get(content) != simdjson::SUCCESS) {
      return row.Fail("a message should have \"role\" and \"content\"");
    }
    if (*role == "assistant") {
      ARENA_ASSIGN_OR_RETURN(TurnText text, ReadTurn(row, content, "answer"));
      if (!AddTurn(answer, std::move(text))) return {};
    } else if (*role == "user" && answer.prompt.empty()) {
      answer.prompt = JsonString(content).value_or("");
    }
  }
  if (answer.turns.empty()) return row.Fail("the messages have no answer of the assistant");
  out.Add(std::move(answer));
  return {};
}

}  // namespace

Status FastChatAnswers(const JsonRow& row, AnswerCollector& out) { return ReadChoices(row, out); }

Status ArenaHardAnswers(const JsonRow& row, AnswerCollector& out) {
  return row.Find("messages") ? ReadMessages(row, out) : ReadChoices(row, out);
}

}  // namespace arena
