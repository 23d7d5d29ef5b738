// What is committed together, and the one class that writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/internal/dialect.h"
#include "store/internal/rows.h"

namespace arena::store {

/// Rows of all tables that wait for one transaction.
struct Batch {
  std::vector<InstructionRow> instructions;
  std::vector<PartyRow> contestants;
  std::vector<PartyRow> judges;
  std::vector<AnswerRow> answers;
  std::vector<GameRow> games;
  std::vector<GameRow> revised_games;
  std::vector<BattleRow> battles;
  std::size_t rows = 0;
  std::size_t bytes = 0;
};

/// Writes batches on one connection. Not thread-safe.
class BatchWriter {
 public:
  /// `session` and `dialect` must outlive it. May throw.
  BatchWriter(const Dialect& dialect, soci::session& session,
              std::chrono::milliseconds lock_patience);
  ~BatchWriter();

  /// One transaction; all of the batch is committed, or nothing and the error says why. Moves
  /// from the rows.
  Status Write(Batch& batch, std::int64_t now_s);

 private:
  struct Statements;
  Status WriteInTransaction(Batch& batch, std::int64_t now_s);
  void WriteInstructions(std::vector<InstructionRow>& rows, std::int64_t now_s);
  void WriteContestants(std::vector<PartyRow>& rows, std::int64_t now_s);
  void WriteJudges(std::vector<PartyRow>& rows, std::int64_t now_s);
  template <typename Insert>
  void WriteParty(PartyRow& row, std::string_view table, Insert& insert, std::int64_t now_s);
  void WriteAnswers(std::vector<AnswerRow>& rows, std::int64_t now_s);
  void WriteGames(std::vector<GameRow>& rows, std::int64_t now_s);
  void ReviseGames(std::vector<GameRow>& rows, std::int64_t now_s);
  void WriteBattles(std::vector<BattleRow>& rows);
  void CopyScores(const DbKey& game, ScoreCopy& copy);

  const Dialect& dialect_;
  soci::session& session_;
  const std::chrono::milliseconds lock_patience_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace arena::store
