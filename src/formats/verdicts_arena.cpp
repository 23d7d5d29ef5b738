// Our own battles: docs/formats/battles-jsonl.md.
#include <fmt/format.h>

#include "formats/internal/json_rows.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

/// A game as a row of its own, so that errors name the battle's place.
class GameRow {
 public:
  GameRow(const JsonRow& battle, JsonElement element) : battle_(battle) {
    if (element.get(object_) != simdjson::SUCCESS) valid_ = false;
  }

  Result<GameOutcome> Parse() const {
    if (!valid_) return battle_.Fail("each of \"games\" should be an object");
    const JsonRow row(battle_.file(), battle_.line(), battle_.array_row(), object_);
    GameOutcome game;
    ARENA_ASSIGN_OR_RETURN(const std::string_view first, row.String("first"));
    if (first != "a" && first != "b") {
      return row.Fail(UnknownLabel("value of \"first\"", first, "a, b"));
    }
    game.a_first = first == "a";
    ARENA_ASSIGN_OR_RETURN(const std::optional<bool> is_void, row.OptionalBool("void"));
    ARENA_ASSIGN_OR_RETURN(const std::optional<bool> strong, row.OptionalBool("strong"));
    game.is_void = is_void.value_or(false);
    game.strong = strong.value_or(false);
    if (game.is_void) return ReadCause(row, game);
    ARENA_RETURN_IF_ERROR(ReadScores(row, game));
    return game;
  }

 private:
  static Result<GameOutcome> ReadCause(const JsonRow& row, GameOutcome game) {
    ARENA_ASSIGN_OR_RETURN(const std::string_view name, row.OptionalString("void_cause"));
    if (name.empty()) return game;
    const auto cause = ParseFailureKind(name);
    if (!cause) {
      return row.Fail(UnknownLabel("value of \"void_cause\"", name,
                                   "length, unparsable, api, missing, content_filter"));
    }
    game.cause = *cause;
    return game;
  }
  static Status ReadScores(const JsonRow& row, GameOutcome& game) {
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> share, row.OptionalNumber("share_a"));
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> score_a, row.OptionalNumber("score_a"));
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> score_b, row.OptionalNumber("score_b"));
    if (!share || *share < 0 || *share > 1) {
      return row.Fail("a game that is not void needs a \"share_a\" from 0 to 1");
    }
    if (score_a.has_value() != score_b.has_value()) {
      return row.Fail("a game needs both of \"score_a\" and \"score_b\" or none");
    }
    game.share_a = *share;
    game.has_scores = score_a.has_value();
    game.score_a = score_a.value_or(0);
    game.score_b = score_b.value_or(0);
    return {};
  }

  const JsonRow& battle_;
  JsonObject object_;
  bool valid_ = true;
};

Status ReadGames(const JsonRow& row, BattleRecord& record) {
  ARENA_ASSIGN_OR_RETURN(const JsonArray games, row.Array("games"));
  if (games.size() < 1 || games.size() > record.games.size()) {
    return row.Fail("\"games\" should hold one game or two");
  }
  record.game_count = 0;
  for (const JsonElement element : games) {
    ARENA_ASSIGN_OR_RETURN(record.games[static_cast<std::size_t>(record.game_count)],
                           GameRow(row, element).Parse());
    ++record.game_count;
  }
  return {};
}

Result<std::optional<StyleCounts>> ReadStyle(const JsonRow& row, std::string_view key) {
  const auto element = row.Find(key);
  if (!element) return std::optional<StyleCounts>();
  JsonObject object;
  if (element->get(object) != simdjson::SUCCESS) return row.WrongType(key, "an object");
  const JsonRow counts(row.file(), row.line(), row.array_row(), object);
  StyleCounts style;
  for (const auto& [name, value] :
       {std::pair{"tokens", &style.tokens}, std::pair{"headers", &style.headers},
        std::pair{"lists", &style.lists}, std::pair{"bold", &style.bold}}) {
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> count, counts.OptionalNumber(name));
    if (!count || *count < 0) {
      return row.Fail(fmt::format("\"{}\" needs a \"{}\" of 0 or more", key, name));
    }
    *value = *count;
  }
  return std::optional<StyleCounts>(style);
}

}  // namespace

Status ReadArenaVerdicts(const InputSource& source, RowLog& log, BattleSink sink) {
  return ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
    BattleRecord record;
    ARENA_ASSIGN_OR_RETURN(record.model_a, row.String("model_a"));
    ARENA_ASSIGN_OR_RETURN(record.model_b, row.String("model_b"));
    if (const auto problem = ModelProblem(record.model_a, record.model_b); !problem.empty()) {
      return row.Fail(problem);
    }
    ARENA_RETURN_IF_ERROR(ReadGames(row, record));
    ARENA_ASSIGN_OR_RETURN(record.instruction, row.OptionalString("instruction"));
    ARENA_ASSIGN_OR_RETURN(record.category, row.OptionalString("category"));
    ARENA_ASSIGN_OR_RETURN(record.language, row.OptionalString("language"));
    ARENA_ASSIGN_OR_RETURN(record.judge, row.OptionalString("judge"));
    ARENA_ASSIGN_OR_RETURN(record.text_a, row.OptionalString("answer_a"));
    ARENA_ASSIGN_OR_RETURN(record.text_b, row.OptionalString("answer_b"));
    ARENA_ASSIGN_OR_RETURN(record.style_a, ReadStyle(row, "style_a"));
    ARENA_ASSIGN_OR_RETURN(record.style_b, ReadStyle(row, "style_b"));
    ARENA_ASSIGN_OR_RETURN(const std::optional<double> time, row.OptionalNumber("time"));
    if (time) record.time = *time;
    return log.Delivered(sink(record));
  });
}

}  // namespace arena
