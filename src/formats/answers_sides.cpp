// Answer files that have several models in one row: AlpacaEval annotations and GSM8K's example
// solutions; AlpacaEval's model outputs are the case of one.
#include <fmt/format.h>

#include "formats/internal/answer_rows.h"

namespace arena {
namespace {

// One side of an AlpacaEval row. Outputs without a generator are the wanted model's.
Status AddOutput(const JsonRow& row, std::string_view output_field,
                 std::string_view generator_field, AnswerCollector& out) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view model, row.OptionalString(generator_field));
  if (!out.Wants(model)) return {};
  RecordedAnswer answer;
  answer.model = std::string(model);
  answer.line = row.line();
  ARENA_ASSIGN_OR_RETURN(answer.prompt, row.String("instruction"));
  JsonElement output;
  if (row.object().at_key(output_field).get(output) == simdjson::SUCCESS && output.is_null()) {
    return {};
  }
  ARENA_ASSIGN_OR_RETURN(const std::string_view text, row.String(output_field));
  answer.turns.emplace_back(text);
  out.Add(std::move(answer));
  return {};
}

}  // namespace

Status AlpacaEvalAnswers(const JsonRow& row, AnswerCollector& out) {
  if (!row.Find("output_1") && !row.Find("output_2")) {
    return AddOutput(row, "output", "generator", out);
  }
  // An annotation names both sides, or nobody could tell them apart.
  for (const std::string_view field : {"generator_1", "generator_2"}) {
    ARENA_RETURN_IF_ERROR(row.String(field));
  }
  ARENA_RETURN_IF_ERROR(AddOutput(row, "output_1", "generator_1", out));
  return AddOutput(row, "output_2", "generator_2", out);
}

Status Gsm8kAnswers(const JsonRow& row, AnswerCollector& out) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view question, row.String("question"));
  for (const auto member : row.object()) {
    JsonObject solution;
    if (member.value.get(solution) != simdjson::SUCCESS || !out.Wants(member.key)) continue;
    JsonElement text;
    if (solution.at_key("solution").get(text) != simdjson::SUCCESS) {
      return row.Fail(fmt::format("\"{}\" has no \"solution\"", member.key));
    }
    if (text.is_null()) continue;
    if (!JsonString(text)) {
      return row.Fail(fmt::format("the solution of \"{}\" should be a string", member.key));
    }
    RecordedAnswer answer;
    answer.model = std::string(member.key);
    answer.prompt = std::string(question);
    answer.turns.emplace_back(*JsonString(text));
    answer.line = row.line();
    bool is_correct = false;
    if (solution.at_key("is_correct").get(is_correct) == simdjson::SUCCESS) {
      answer.is_correct = is_correct;
    }
    out.Add(std::move(answer));
  }
  return {};
}

}  // namespace arena
