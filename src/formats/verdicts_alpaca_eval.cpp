// AlpacaEval annotations: docs/formats/verdicts.md.
#include <fmt/format.h>

#include "formats/internal/json_rows.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

/// `preference` as the outcome of one game in which model A is output_2.
Result<GameOutcome> ParsePreference(const JsonRow& row) {
  GameOutcome game;
  JsonElement element;
  if (row.object().at_key("preference").get(element) != simdjson::SUCCESS) {
    ARENA_ASSIGN_OR_RETURN(element, row.Need("preference"));
  }
  if (element.is_null()) {
    game.is_void = true;
    return game;
  }
  const std::optional<double> preference = JsonNumber(element);
  if (!preference) return row.WrongType("preference", "a number or null");
  if (*preference == 0) return game;  // the old mark of a draw
  if (*preference < 1 || *preference > 2) {
    return row.Fail(fmt::format(
        "preference {} is neither from 1 (output_1) to 2 (output_2) nor 0 (a draw)", *preference));
  }
  game.share_a = *preference - 1;
  return game;
}

}  // namespace

Status ReadAlpacaEvalVerdicts(const InputSource& source, RowLog& log, BattleSink sink) {
  return ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
    BattleRecord record;
    ARENA_ASSIGN_OR_RETURN(record.model_a, row.String("generator_2"));
    ARENA_ASSIGN_OR_RETURN(record.model_b, row.String("generator_1"));
    if (const auto problem = ModelProblem(record.model_a, record.model_b); !problem.empty()) {
      return row.Fail(problem);
    }
    ARENA_ASSIGN_OR_RETURN(record.instruction, row.String("instruction"));
    ARENA_ASSIGN_OR_RETURN(record.games[0], ParsePreference(row));
    ARENA_ASSIGN_OR_RETURN(record.category, row.OptionalString("dataset"));
    ARENA_ASSIGN_OR_RETURN(record.judge, row.OptionalString("annotator"));
    ARENA_ASSIGN_OR_RETURN(record.text_a, row.OptionalString("output_2"));
    ARENA_ASSIGN_OR_RETURN(record.text_b, row.OptionalString("output_1"));
    // The order in which the judge saw the outputs is random and not written down.
    record.seats_known = false;
    return log.Delivered(sink(record));
  });
}

}  // namespace arena
