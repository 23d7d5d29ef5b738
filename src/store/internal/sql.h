// Every statement on the store's tables. They are the same text for SQLite and PostgreSQL;
// dialect.h has what is not, schema.cpp what makes the tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/internal/rows.h"

namespace arena::store {

/// The names of the columns that a Visit...() of rows.h has.
template <typename Row, typename Visit>
std::vector<std::string_view> ColumnNames(Visit visit) {
  Row row;
  std::vector<std::string_view> names;
  visit(row, [&](std::string_view name, auto&) { names.push_back(name); });
  return names;
}

/// What to do where the key is there already.
struct Conflict {
  std::vector<std::string_view> update;  ///< columns that take the new row's value
  std::string condition;                 ///< ... where this holds
};

/// INSERT of `rows` rows, each with one parameter per column, in the order of the columns.
std::string UpsertSql(std::string_view table, const std::vector<std::string_view>& columns,
                      std::size_t rows, const Conflict& conflict);

Conflict InstructionConflict();
Conflict PartyConflict(std::string_view table);
/// For answers and games: only what is not done is replaced.
Conflict WorkConflict(std::string_view table, const std::vector<std::string_view>& columns);
/// For games whose replies were read again: the columns of VisitRevised, whatever is there.
Conflict RevisionConflict();
Conflict BattleConflict();

/// Parameters :key_high, :key_low.
std::string IdSql(std::string_view table);
/// Makes the row that others refer to before it is put. Parameters :key_high, :key_low.
std::string PlaceholderSql(std::string_view table);
/// Whether the row is there and done. Parameters :key_high, :key_low.
std::string HaveSql(std::string_view table);

// Of `contestant` or `judge`. Parameters :name, :key_high, :key_low.
std::string HoldNameSql(std::string_view table);
std::string SupersedeSql(std::string_view table);

// Parameters :key_high, :key_low.
std::string AnswerSql();       ///< VisitAnswer, then contestant's and instruction's keys
std::string GameSql();         ///< VisitGame, then the judge's key
std::string InstructionSql();  ///< VisitInstruction
extern const std::string_view kScoresSql;      ///< of a game that is done
extern const std::string_view kStyleSql;       ///< of an answer that is done
extern const std::string_view kStyleTurnsSql;  ///< its style and its turns

/// id, VisitParty and superseded, by id.
extern const std::string_view kContestantsSql;
extern const std::string_view kJudgesSql;
/// id, key, category.
extern const std::string_view kInstructionNamesSql;
/// contestant_a, contestant_b of every battle.
extern const std::string_view kPairsSql;
/// The number of rows; `condition`: SQL, or empty.
std::string CountSql(std::string_view table, std::string_view condition);

/// What rating needs of every battle, in key order: id, instruction, contestant_a, contestant_b,
/// judge, both answers' keys, the four copied scores.
extern const std::string_view kScanSql;
/// The games of the battle with :id: game_ba's key, and the scores of each that is
/// done.
extern const std::string_view kScanGamesSql;
/// VisitBattle, then the keys of instruction, contestants and judge; by :id.
std::string BattleSql();
/// id and key of the first two battles from (:key_high, :key_low) on.
extern const std::string_view kFindBattleSql;

}  // namespace arena::store
