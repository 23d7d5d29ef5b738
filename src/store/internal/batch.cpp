#include "store/internal/batch.h"

#include <algorithm>
#include <unordered_map>

#include "store/internal/sql.h"
#include "store/internal/statement.h"
#include "store/internal/transaction.h"

namespace arena::store {
namespace {

struct InstructionColumns {
  template <typename F>
  void operator()(InstructionRow& row, F&& visit) const {
    VisitInstruction(row, visit);
  }
};
struct PartyColumns {
  template <typename F>
  void operator()(PartyRow& row, F&& visit) const {
    VisitParty(row, visit);
  }
};
struct AnswerColumns {
  template <typename F>
  void operator()(AnswerRow& row, F&& visit) const {
    VisitAnswer(row, visit);
  }
};
struct GameColumns {
  template <typename F>
  void operator()(GameRow& row, F&& visit) const {
    VisitGame(row, visit);
  }
};
struct VerdictColumns {
  template <typename F>
  void operator()(GameRow& row, F&& visit) const {
    VisitVerdict(row, visit);
  }
};
struct RevisedColumns {
  template <typename F>
  void operator()(GameRow& row, F&& visit) const {
    VisitRevised(row, visit);
  }
};
struct BattleColumns {
  template <typename F>
  void operator()(BattleRow& row, F&& visit) const {
    VisitBattle(row, visit);
  }
};

struct DbKeyHash {
  std::size_t operator()(const DbKey& key) const { return static_cast<std::size_t>(key.low); }
};

/// The ids of one table's rows by key. Not thread-safe.
class Ids {
 public:
  Ids(soci::session& session, std::string_view table)
      : session_(session),
        placeholder_sql_(PlaceholderSql(table)),
        lookup_(session, IdSql(table),
                [](soci::statement& statement, long long& id) { BindInto(statement, id); }) {}

  /// Makes a placeholder where there is no such row.
  long long Of(const DbKey& key) {
    if (key == last_key_ && last_id_ != 0) return last_id_;
    last_key_ = key;
    last_id_ = FindOrMake(last_key_);
    return last_id_;
  }

  /// To call when a transaction in which ids were made did not commit.
  void Forget() {
    ids_.clear();
    last_id_ = 0;
  }

 private:
  static constexpr std::size_t kMost = 1'000'000;

  long long FindOrMake(DbKey& key) {
    if (const auto found = ids_.find(key); found != ids_.end()) return found->second;
    const long long* id = lookup_.Find(key);
    if (id == nullptr) {
      session_ << placeholder_sql_, soci::use(key.high, "key_high"), soci::use(key.low, "key_low");
      id = lookup_.Find(key);
    }
    if (ids_.size() >= kMost) ids_.clear();
    ids_.emplace(key, *id);
    return *id;
  }

  soci::session& session_;
  const std::string placeholder_sql_;
  Lookup<long long> lookup_;
  std::unordered_map<DbKey, long long, DbKeyHash> ids_;
  DbKey last_key_;
  long long last_id_ = 0;  // of last_key_; 0: none
};

struct Scores {
  double first = 0;
  double second = 0;
};

/// The scores of games that were written lately: a game's battle mostly follows it at once. Each
/// key has one slot, which the next key of that slot takes. Not thread-safe.
class ScoreCache {
 public:
  void Remember(const GameRow& game) {
    if (game.state != "done") return;
    if (slots_.empty()) slots_.resize(kSlots);
    slots_[SlotOf(game.key)] = {game.key, {game.score_first, game.score_second}, true};
  }
  const Scores* Find(const DbKey& game) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[SlotOf(game)];
    return slot.used && slot.game == game ? &slot.scores : nullptr;
  }
  void Forget() { slots_.clear(); }
  void Forget(const DbKey& game) {
    if (!slots_.empty() && slots_[SlotOf(game)].game == game) slots_[SlotOf(game)].used = false;
  }

 private:
  struct Slot {
    DbKey game;
    Scores scores;
    bool used = false;
  };
  static constexpr std::size_t kSlots = 1 << 18;
  static std::size_t SlotOf(const DbKey& key) {
    return static_cast<std::size_t>(key.low) & (kSlots - 1);
  }
  std::vector<Slot> slots_;
};

/// The rows in key order, which keeps what is written near together in the indices, with one row
/// for each key: the first that is done, or else the last.
template <typename Row>
std::vector<Row*> InKeyOrder(std::vector<Row>& rows) {
  struct Entry {
    DbKey key;  // here too: sorting must not visit the rows
    Row* row;
  };
  std::vector<Entry> entries;
  entries.reserve(rows.size());
  for (Row& row : rows) entries.push_back({row.key, &row});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  std::vector<Row*> sorted;
  sorted.reserve(rows.size());
  for (const Entry& entry : entries) {
    if (sorted.empty() || sorted.back()->key != entry.key) {
      sorted.push_back(entry.row);
      continue;
    }
    if constexpr (requires { entry.row->state; }) {
      if (sorted.back()->state == "done") continue;
    }
    sorted.back() = entry.row;
  }
  return sorted;
}

}  // namespace

struct BatchWriter::Statements {
  explicit Statements(soci::session& session)
      : instructions(session, "instruction", InstructionConflict()),
        contestants(session, "contestant", PartyConflict("contestant")),
        judges(session, "judge", PartyConflict("judge")),
        answers(session, "answer", WorkConflict("answer", ColumnNames<AnswerRow>(AnswerColumns{}))),
        games(session, "game", WorkConflict("game", ColumnNames<GameRow>(GameColumns{}))),
        // Replaces all columns too: those that it does not set take their defaults.
        verdicts(session, "game", WorkConflict("game", ColumnNames<GameRow>(GameColumns{}))),
        revisions(session, "game", RevisionConflict()),
        battles(session, "battle", BattleConflict()),
        instruction_ids(session, "instruction"),
        contestant_ids(session, "contestant"),
        judge_ids(session, "judge"),
        scores(session, kScoresSql, [](soci::statement& statement, Scores& target) {
          BindInto(statement, target.first);
          BindInto(statement, target.second);
        }) {}

  /// To call when a transaction did not commit.
  void Forget() {
    instructions.Forget();
    contestants.Forget();
    judges.Forget();
    answers.Forget();
    games.Forget();
    verdicts.Forget();
    revisions.Forget();
    battles.Forget();
    instruction_ids.Forget();
    contestant_ids.Forget();
    judge_ids.Forget();
    score_cache.Forget();
  }

  BulkUpsert<InstructionRow, InstructionColumns> instructions;
  BulkUpsert<PartyRow, PartyColumns> contestants;
  BulkUpsert<PartyRow, PartyColumns> judges;
  BulkUpsert<AnswerRow, AnswerColumns> answers;
  BulkUpsert<GameRow, GameColumns> games;
  BulkUpsert<GameRow, VerdictColumns> verdicts;
  BulkUpsert<GameRow, RevisedColumns> revisions;
  BulkUpsert<BattleRow, BattleColumns> battles;
  Ids instruction_ids;
  Ids contestant_ids;
  Ids judge_ids;
  Lookup<Scores> scores;
  ScoreCache score_cache;
};

BatchWriter::BatchWriter(const Dialect& dialect, soci::session& session,
                         std::chrono::milliseconds lock_patience)
    : dialect_(dialect),
      session_(session),
      lock_patience_(lock_patience),
      statements_(std::make_unique<Statements>(session)) {}

BatchWriter::~BatchWriter() = default;

Status BatchWriter::Write(Batch& batch, std::int64_t now_s) {
  Status status =
      Guarded(dialect_, "write to", [&]() -> Status { return WriteInTransaction(batch, now_s); });
  if (!status.ok()) statements_->Forget();
  return status;
}

Status BatchWriter::WriteInTransaction(Batch& batch, std::int64_t now_s) {
  ARENA_ASSIGN_OR_RETURN(WriteTransaction transaction,
                         WriteTransaction::Begin(dialect_, session_, lock_patience_));
  WriteInstructions(batch.instructions, now_s);
  WriteContestants(batch.contestants, now_s);
  WriteJudges(batch.judges, now_s);
  WriteAnswers(batch.answers, now_s);
  WriteGames(batch.games, now_s);
  ReviseGames(batch.revised_games, now_s);
  WriteBattles(batch.battles);
  transaction.Commit();
  return {};
}

void BatchWriter::WriteInstructions(std::vector<InstructionRow>& rows, std::int64_t now_s) {
  for (InstructionRow* row : InKeyOrder(rows)) {
    row->stored_at = now_s;
    statements_->instructions.Add(*row);
  }
  statements_->instructions.Finish();
}

void BatchWriter::WriteContestants(std::vector<PartyRow>& rows, std::int64_t now_s) {
  for (PartyRow& row : rows) WriteParty(row, "contestant", statements_->contestants, now_s);
}

void BatchWriter::WriteJudges(std::vector<PartyRow>& rows, std::int64_t now_s) {
  for (PartyRow& row : rows) WriteParty(row, "judge", statements_->judges, now_s);
}

// In the order of the puts: the last holder of a name keeps it.
template <typename Insert>
void BatchWriter::WriteParty(PartyRow& row, std::string_view table, Insert& insert,
                             std::int64_t now_s) {
  row.stored_at = now_s;
  std::string name = row.name.value;
  DbKey key = row.key;
  insert.Add(row);
  insert.Finish();
  for (const std::string& sql : {HoldNameSql(table), SupersedeSql(table)}) {
    session_ << sql, soci::use(name, "name"), soci::use(key.high, "key_high"),
        soci::use(key.low, "key_low");
  }
}

void BatchWriter::WriteAnswers(std::vector<AnswerRow>& rows, std::int64_t now_s) {
  for (AnswerRow* row : InKeyOrder(rows)) {
    row->contestant = statements_->contestant_ids.Of(row->contestant_key);
    row->instruction = statements_->instruction_ids.Of(row->instruction_key);
    row->stored_at = now_s;
    statements_->answers.Add(*row);
  }
  statements_->answers.Finish();
}

void BatchWriter::WriteGames(std::vector<GameRow>& rows, std::int64_t now_s) {
  // Only what took effect: another process may have stored its own verdict first.
  const auto remember = [this](std::span<const GameRow> written) {
    for (const GameRow& row : written) statements_->score_cache.Remember(row);
  };
  for (GameRow* row : InKeyOrder(rows)) {
    row->judge = statements_->judge_ids.Of(row->judge_key);
    row->stored_at = now_s;
    if (row->IsVerdictOnly()) {
      statements_->verdicts.Add(*row, remember);
    } else {
      statements_->games.Add(*row, remember);
    }
  }
  statements_->verdicts.Finish(remember);
  statements_->games.Finish(remember);
}

void BatchWriter::ReviseGames(std::vector<GameRow>& rows, std::int64_t now_s) {
  for (GameRow* row : InKeyOrder(rows)) {
    row->judge = statements_->judge_ids.Of(row->judge_key);
    row->stored_at = now_s;
    statements_->score_cache.Forget(row->key);
    statements_->revisions.Add(*row);
  }
  statements_->revisions.Finish();
}

void BatchWriter::CopyScores(const DbKey& game, ScoreCopy& copy) {
  const Scores* scores = statements_->score_cache.Find(game);
  if (scores == nullptr) scores = statements_->scores.Find(game);
  if (scores == nullptr) return;
  copy.first.Set(scores->first);
  copy.second.Set(scores->second);
}

void BatchWriter::WriteBattles(std::vector<BattleRow>& rows) {
  for (BattleRow* row : InKeyOrder(rows)) {
    row->instruction = statements_->instruction_ids.Of(row->instruction_key);
    row->contestant_a = statements_->contestant_ids.Of(row->contestant_a_key);
    row->contestant_b = statements_->contestant_ids.Of(row->contestant_b_key);
    row->judge = statements_->judge_ids.Of(row->judge_key);
    CopyScores(row->game_ab, row->ab);
    CopyScores(row->game_ba, row->ba);
    statements_->battles.Add(*row);
  }
  statements_->battles.Finish();
}

}  // namespace arena::store
