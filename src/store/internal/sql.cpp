#include "store/internal/sql.h"

#include <fmt/core.h>
#include <fmt/format.h>

namespace arena::store {
namespace {

constexpr std::string_view kWhereKey = " WHERE t.key_high = :key_high AND t.key_low = :key_low";

/// "t.a, t.b, t.c"
std::string Prefixed(const std::vector<std::string_view>& columns) {
  std::string list;
  for (const std::string_view column : columns) {
    list += fmt::format("{}t.{}", list.empty() ? "" : ", ", column);
  }
  return list;
}

/// "(table.a, table.b) IS DISTINCT FROM (excluded.a, excluded.b)"
std::string Differs(std::string_view table, const std::vector<std::string_view>& columns) {
  std::string old_values;
  std::string new_values;
  for (const std::string_view column : columns) {
    const char* comma = old_values.empty() ? "" : ", ";
    old_values += fmt::format("{}{}.{}", comma, table, column);
    new_values += fmt::format("{}excluded.{}", comma, column);
  }
  return fmt::format("({}) IS DISTINCT FROM ({})", old_values, new_values);
}

}  // namespace

std::string UpsertSql(std::string_view table, const std::vector<std::string_view>& columns,
                      std::size_t rows, const Conflict& conflict) {
  std::string sql = fmt::format("INSERT INTO {} ({}) VALUES ", table, fmt::join(columns, ", "));
  std::size_t parameter = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (std::size_t column = 0; column < columns.size(); ++column) {
      sql += fmt::format("{}:p{}", column == 0 ? "" : ", ", parameter++);
    }
    sql += ")";
  }
  sql += " ON CONFLICT (key_high, key_low) DO UPDATE SET ";
  for (std::size_t i = 0; i < conflict.update.size(); ++i) {
    sql += fmt::format("{}{} = excluded.{}", i == 0 ? "" : ", ", conflict.update[i],
                       conflict.update[i]);
  }
  return sql + " WHERE " + conflict.condition;
}

Conflict InstructionConflict() {
  const std::vector<std::string_view> content = {"label", "category", "conversation", "reference",
                                                 "source"};
  Conflict conflict{content, Differs("instruction", content)};
  conflict.update.push_back("stored_at");
  return conflict;
}

Conflict PartyConflict(std::string_view table) {
  const std::vector<std::string_view> content = {"name", "family", "behaviour"};
  Conflict conflict{content, Differs(table, content)};
  conflict.update.push_back("stored_at");
  return conflict;
}

Conflict WorkConflict(std::string_view table, const std::vector<std::string_view>& columns) {
  Conflict conflict;
  for (const std::string_view column : columns) {
    if (column != "key_high" && column != "key_low") conflict.update.push_back(column);
  }
  conflict.condition = fmt::format("{}.state <> 'done'", table);
  return conflict;
}

Conflict RevisionConflict() {
  const std::vector<std::string_view> content = {"state",       "failure",      "error",
                                                 "score_first", "score_second", "explanation"};
  Conflict conflict{content, Differs("game", content)};
  conflict.update.push_back("stored_at");
  return conflict;
}

Conflict BattleConflict() {
  // The rest follows from the key.
  const std::vector<std::string_view> content = {"game_ab_high", "game_ab_low", "game_ba_high",
                                                 "game_ba_low",  "ab_first",    "ab_second",
                                                 "ba_first",     "ba_second"};
  return {content, Differs("battle", content)};
}

std::string IdSql(std::string_view table) {
  return fmt::format("SELECT t.id FROM {} t{}", table, kWhereKey);
}

std::string PlaceholderSql(std::string_view table) {
  return fmt::format("INSERT INTO {} (key_high, key_low) VALUES (:key_high, :key_low)", table);
}

std::string HaveSql(std::string_view table) {
  return fmt::format("SELECT t.id FROM {} t{} AND t.state = 'done'", table, kWhereKey);
}

std::string HoldNameSql(std::string_view table) {
  return fmt::format(
      "UPDATE {} SET superseded = 0 "
      "WHERE superseded <> 0 AND name = :name AND key_high = :key_high AND key_low = :key_low",
      table);
}

std::string SupersedeSql(std::string_view table) {
  return fmt::format(
      "UPDATE {} SET superseded = 1 "
      "WHERE superseded = 0 AND name = :name AND (key_high <> :key_high OR key_low <> :key_low)",
      table);
}

std::string AnswerSql() {
  const auto columns =
      ColumnNames<AnswerRow>([](auto& row, auto&& visit) { VisitAnswer(row, visit); });
  return fmt::format(
      "SELECT {}, c.key_high, c.key_low, i.key_high, i.key_low FROM answer t "
      "JOIN contestant c ON c.id = t.contestant JOIN instruction i ON i.id = t.instruction{}",
      Prefixed(columns), kWhereKey);
}

std::string GameSql() {
  const auto columns = ColumnNames<GameRow>([](auto& row, auto&& visit) { VisitGame(row, visit); });
  return fmt::format(
      "SELECT {}, j.key_high, j.key_low FROM game t JOIN judge j ON j.id = t.judge{}",
      Prefixed(columns), kWhereKey);
}

std::string InstructionSql() {
  const auto columns =
      ColumnNames<InstructionRow>([](auto& row, auto&& visit) { VisitInstruction(row, visit); });
  return fmt::format("SELECT {} FROM instruction t{}", Prefixed(columns), kWhereKey);
}

const std::string_view kScoresSql =
    "SELECT score_first, score_second FROM game "
    "WHERE key_high = :key_high AND key_low = :key_low AND state = 'done'";

const std::string_view kStyleSql =
    "SELECT style_tokens, style_headers, style_lists, style_bold FROM answer "
    "WHERE key_high = :key_high AND key_low = :key_low AND state = 'done'";

const std::string_view kStyleTurnsSql =
    "SELECT style_tokens, style_headers, style_lists, style_bold, turns FROM answer "
    "WHERE key_high = :key_high AND key_low = :key_low AND state = 'done'";

const std::string_view kContestantsSql =
    "SELECT id, key_high, key_low, name, family, behaviour, stored_at, superseded "
    "FROM contestant ORDER BY id";

const std::string_view kJudgesSql =
    "SELECT id, key_high, key_low, name, family, behaviour, stored_at, superseded "
    "FROM judge ORDER BY id";

const std::string_view kInstructionNamesSql =
    "SELECT id, key_high, key_low, category FROM instruction ORDER BY id";

const std::string_view kPairsSql = "SELECT contestant_a, contestant_b FROM battle";

std::string CountSql(std::string_view table, std::string_view condition) {
  if (condition.empty()) return fmt::format("SELECT COUNT(*) FROM {}", table);
  return fmt::format("SELECT COUNT(*) FROM {} WHERE {}", table, condition);
}

const std::string_view kScanSql =
    "SELECT id, instruction, contestant_a, contestant_b, judge, answer_a_high, answer_a_low, "
    "answer_b_high, answer_b_low, ab_first, ab_second, ba_first, ba_second "
    "FROM battle ORDER BY key_high, key_low";

const std::string_view kScanGamesSql =
    "SELECT b.game_ba_high, b.game_ba_low, ab.score_first, ab.score_second, ba.score_first, "
    "ba.score_second FROM battle b "
    "LEFT JOIN game ab ON ab.key_high = b.game_ab_high AND ab.key_low = b.game_ab_low "
    "AND ab.state = 'done' "
    "LEFT JOIN game ba ON ba.key_high = b.game_ba_high AND ba.key_low = b.game_ba_low "
    "AND ba.state = 'done' WHERE b.id = :id";

std::string BattleSql() {
  const auto columns =
      ColumnNames<BattleRow>([](auto& row, auto&& visit) { VisitBattle(row, visit); });
  return fmt::format(
      "SELECT {}, i.key_high, i.key_low, a.key_high, a.key_low, b.key_high, b.key_low, "
      "j.key_high, j.key_low FROM battle t JOIN instruction i ON i.id = t.instruction "
      "JOIN contestant a ON a.id = t.contestant_a JOIN contestant b ON b.id = t.contestant_b "
      "JOIN judge j ON j.id = t.judge WHERE t.id = :id",
      Prefixed(columns));
}

const std::string_view kFindBattleSql =
    "SELECT id, key_high, key_low FROM battle "
    "WHERE (key_high, key_low) >= (:key_high, :key_low) ORDER BY key_high, key_low LIMIT 2";

}  // namespace arena::store
