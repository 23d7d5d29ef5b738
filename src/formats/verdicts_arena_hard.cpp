// arena-hard judgments, v0.1 and v2: docs/formats/verdicts.md.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "formats/internal/json_rows.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

/// A label as seen by the first seat: 1 won, 0 lost.
struct Label {
  std::string_view text;
  double share_first;
  bool strong;
};
constexpr std::array<Label, 8> kLabels = {{{"A>>B", 1, true},
                                           {"A>B", 1, false},
                                           {"A=B", 0.5, false},
                                           {"B=A", 0.5, false},
                                           {"B>A", 0, false},
                                           {"B>>A", 0, true},
                                           {"A<B", 0, false},
                                           {"A<<B", 0, true}}};

Result<GameOutcome> ParseGame(const JsonRow& row, JsonElement element, bool a_first) {
  GameOutcome game;
  game.a_first = a_first;
  game.is_void = true;
  if (element.is_null()) return game;
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) {
    return row.Fail("each of \"games\" should be an object or null");
  }
  JsonElement score;
  if (object.at_key("score").get(score) != simdjson::SUCCESS) {
    return row.Fail("a game has no \"score\"");
  }
  if (score.is_null()) return game;
  const auto text = JsonString(score);
  if (!text) return row.WrongType("score", "a string or null");
  for (const Label& label : kLabels) {
    if (label.text != *text) continue;
    game.is_void = false;
    game.share_a = a_first ? label.share_first : 1 - label.share_first;
    game.strong = label.strong;
    return game;
  }
  return row.Fail(UnknownLabel("score", *text, "A>>B, A>B, A=B, B>A, B>>A"));
}

Status ReadArenaHardGames(const JsonRow& row, BattleRecord& record) {
  ARENA_ASSIGN_OR_RETURN(const JsonArray games, row.Array("games"));
  if (games.size() < 1 || games.size() > record.games.size()) {
    return row.Fail("\"games\" should hold one game or two");
  }
  record.game_count = 0;
  for (const JsonElement element : games) {
    // The baseline sits first in the first game, the model in the second.
    const bool a_first = record.game_count == 1;
    ARENA_ASSIGN_OR_RETURN(record.games[static_cast<std::size_t>(record.game_count)],
                           ParseGame(row, element, a_first));
    ++record.game_count;
  }
  return {};
}

}  // namespace

Status ReadArenaHardVerdicts(const InputSource& source, const VerdictOptions& options, RowLog& log,
                             BattleSink sink) {
  return ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
    BattleRecord record;
    const bool v2 = row.Find("uid").has_value();
    ARENA_ASSIGN_OR_RETURN(const std::string instruction,
                           row.OptionalId(v2 ? "uid" : "question_id"));
    if (instruction.empty()) {
      return row.Fail("the row has neither \"uid\" (v2) nor \"question_id\" (v0.1)");
    }
    record.instruction = instruction;
    ARENA_ASSIGN_OR_RETURN(record.model_a, row.String("model"));
    ARENA_ASSIGN_OR_RETURN(record.model_b, row.OptionalString("baseline"));
    if (record.model_b.empty() && v2) {
      ARENA_ASSIGN_OR_RETURN(record.model_b, row.String("baseline"));
    }
    if (record.model_b.empty()) record.model_b = options.baseline;
    if (const auto problem = ModelProblem(record.model_a, record.model_b); !problem.empty()) {
      return row.Fail(problem);
    }
    ARENA_RETURN_IF_ERROR(ReadArenaHardGames(row, record));
    ARENA_ASSIGN_OR_RETURN(record.category, row.OptionalString("category"));
    ARENA_ASSIGN_OR_RETURN(record.judge, row.OptionalString("judge"));
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> time, row.OptionalNumber("tstamp"));
    if (time) record.time = *time;
    return log.Delivered(sink(record));
  });
}

}  // namespace arena
