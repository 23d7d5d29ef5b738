#include "store/internal/sql_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <thread>
#include <unordered_map>

#include "store/internal/battle_scan.h"
#include "store/internal/directory.h"
#include "store/internal/sql.h"
#include "store/internal/transaction.h"

namespace arena::store {
namespace {

const Clock& ClockOf(const StoreOptions& options) {
  static const SystemClock kSystemClock;
  return options.clock != nullptr ? *options.clock : kSystemClock;
}

template <typename Row>
Result<Row> AsResult(Row row) {
  return row;
}
template <typename Row>
Result<Row> AsResult(Result<Row> row) {
  return row;
}

class SqlStore final : public Store {
 public:
  /// `writer`: null for a store that is only read.
  SqlStore(std::unique_ptr<Dialect> dialect, std::unique_ptr<Writer> writer)
      : dialect_(std::move(dialect)), readers_(*dialect_), writer_(std::move(writer)) {}

  Status PutInstructions(std::span<const Instruction> instructions) override {
    return Put(instructions, &Batch::instructions);
  }
  Status PutContestant(const Contestant& contestant) override {
    return Put(std::span(&contestant, 1), &Batch::contestants);
  }
  Status PutJudge(const JudgeIdentity& judge) override {
    return Put(std::span(&judge, 1), &Batch::judges);
  }
  Status PutAnswers(std::span<const Answer> answers) override {
    return Put(answers, &Batch::answers);
  }
  Status PutGames(std::span<const Game> games) override { return Put(games, &Batch::games); }
  Status PutBattles(std::span<const Battle> battles) override {
    return Put(battles, &Batch::battles);
  }
  Status ReviseGames(std::span<const Game> games, std::span<const Battle> battles) override {
    if (games.empty()) return {};
    if (!writer_) return ReadOnly();
    ARENA_ASSIGN_OR_RETURN(auto game_rows, ToRows<GameRow>(games));
    ARENA_ASSIGN_OR_RETURN(auto battle_rows, ToRows<BattleRow>(battles));
    return writer_->PutRevision(std::move(game_rows), std::move(battle_rows));
  }
  Status Flush() override { return writer_ ? writer_->Flush() : Status(); }

  Result<std::vector<std::optional<Answer>>> GetAnswers(std::span<const Key> keys) override {
    return ForKeys<std::optional<Answer>>(
        keys, [](Reader& reader, const Key& key) { return reader.FindAnswer(key); });
  }
  Result<std::vector<std::optional<Game>>> GetGames(std::span<const Key> keys) override {
    return ForKeys<std::optional<Game>>(
        keys, [](Reader& reader, const Key& key) { return reader.FindGame(key); });
  }
  Result<std::vector<bool>> HaveAnswers(std::span<const Key> keys) override {
    return ForKeys<bool>(keys, [](Reader& reader, const Key& key) -> Result<bool> {
      return reader.HaveAnswer(key);
    });
  }
  Result<std::vector<bool>> HaveGames(std::span<const Key> keys) override {
    return ForKeys<bool>(
        keys, [](Reader& reader, const Key& key) -> Result<bool> { return reader.HaveGame(key); });
  }

  Status ForEachBattle(const BattleQuery& query, BattleSink sink) override {
    return Read([&](Reader& reader) { return ScanBattles(reader, query, sink); });
  }
  Status ForEachDetail(const BattleQuery& query,
                       FunctionRef<Status(const BattleDetail&)> sink) override {
    return Read([&](Reader& reader) { return ScanDetails(reader, query, sink); });
  }
  Result<BattleDetail> FindBattle(std::string_view prefix) override {
    return Read([&](Reader& reader) { return FindDetail(reader, prefix); });
  }

  Result<std::vector<ContestantInfo>> Contestants() override {
    return Read([](Reader& reader) { return ReadContestantInfos(reader.session()); });
  }
  Result<std::vector<JudgeIdentity>> Judges() override {
    return Read([](Reader& reader) { return ReadJudgeIdentities(reader.session()); });
  }
  Result<StoreCounts> Counts() override {
    return Read([](Reader& reader) { return ReadCounts(reader.session()); });
  }

 private:
  Error ReadOnly() const {
    return InternalError(fmt::format("{} was opened for reading only", dialect_->where()));
  }

  template <typename Row, typename T>
  static Result<std::vector<Row>> ToRows(std::span<const T> items) {
    std::vector<Row> rows;
    rows.reserve(items.size());
    for (const T& item : items) {
      ARENA_ASSIGN_OR_RETURN(Row row, AsResult(ToRow(item)));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  /// Encodes on the caller's thread and hands over slices, so that the queue's bounds hold.
  template <typename T, typename Row>
  Status Put(std::span<const T> items, std::vector<Row> Batch::*table) {
    if (!writer_) return ReadOnly();
    while (!items.empty()) {
      const auto slice = items.first(std::min(items.size(), Writer::kSliceRows));
      ARENA_ASSIGN_OR_RETURN(auto rows, ToRows<Row>(slice));
      ARENA_RETURN_IF_ERROR(writer_->Put(table, std::move(rows)));
      items = items.subspan(slice.size());
    }
    return {};
  }

  template <typename F>
  auto Read(F&& body) -> decltype(body(std::declval<Reader&>())) {
    using ReadResult = decltype(body(std::declval<Reader&>()));
    return Guarded(*dialect_, "read", [&]() -> ReadResult {
      ARENA_ASSIGN_OR_RETURN(const ReaderPool::Lease lease, readers_.Get());
      return body(*lease);
    });
  }

  template <typename T, typename Find>
  Result<std::vector<T>> ForKeys(std::span<const Key> keys, Find find) {
    return Read([&](Reader& reader) -> Result<std::vector<T>> {
      // Without one transaction around them each lookup would take and leave the lock.
      const ReadTransaction transaction(reader.session());
      std::vector<T> values;
      values.reserve(keys.size());
      for (const Key& key : keys) {
        ARENA_ASSIGN_OR_RETURN(T value, find(reader, key));
        values.push_back(std::move(value));
      }
      return values;
    });
  }

  static std::unordered_map<long long, std::int64_t> CountBattles(soci::session& session) {
    long long a = 0;
    long long b = 0;
    soci::statement statement(session);
    BindInto(statement, a);
    BindInto(statement, b);
    statement.alloc();
    statement.prepare(std::string(kPairsSql));
    statement.define_and_bind();
    statement.execute(false);
    std::unordered_map<long long, std::int64_t> counts;
    while (statement.fetch()) {
      ++counts[a];
      ++counts[b];
    }
    return counts;
  }

  static Result<std::vector<ContestantInfo>> ReadContestantInfos(soci::session& session) {
    const ReadTransaction transaction(session);
    const auto counts = CountBattles(session);
    std::vector<ContestantInfo> infos;
    for (const Party& party : ReadContestants(session)) {
      if (!party.row.name.has_value()) continue;
      ContestantInfo info;
      info.key = FromDb(party.row.key);
      ARENA_ASSIGN_OR_RETURN(info.contestant, ContestantFromRow(party.row));
      info.superseded = party.superseded;
      if (const auto found = counts.find(party.id); found != counts.end()) {
        info.battles = found->second;
      }
      infos.push_back(std::move(info));
    }
    std::sort(infos.begin(), infos.end(), [](const ContestantInfo& x, const ContestantInfo& y) {
      return std::tie(x.contestant.name, x.superseded, x.key) <
             std::tie(y.contestant.name, y.superseded, y.key);
    });
    return infos;
  }

  static Result<std::vector<JudgeIdentity>> ReadJudgeIdentities(soci::session& session) {
    std::vector<JudgeIdentity> judges;
    for (const Party& party : ReadJudges(session)) {
      if (!party.row.name.has_value() || party.superseded) continue;
      ARENA_ASSIGN_OR_RETURN(JudgeIdentity judge, JudgeFromRow(party.row));
      judges.push_back(std::move(judge));
    }
    std::sort(judges.begin(), judges.end(), [](const JudgeIdentity& x, const JudgeIdentity& y) {
      return std::tie(x.name, x.behaviour) < std::tie(y.name, y.behaviour);
    });
    return judges;
  }

  static Result<StoreCounts> ReadCounts(soci::session& session) {
    const ReadTransaction transaction(session);
    const auto count = [&](std::string_view table, std::string_view condition) -> std::int64_t {
      long long rows = 0;
      session << CountSql(table, condition), soci::into(rows);
      return rows;
    };
    StoreCounts counts;
    counts.instructions = count("instruction", "conversation IS NOT NULL");
    counts.contestants = count("contestant", "name IS NOT NULL");
    counts.answers = count("answer", "state = 'done'");
    counts.failed_answers = count("answer", "state = 'failed'");
    counts.battles = count("battle", "");
    counts.games = count("game", "state = 'done'");
    counts.failed_games = count("game", "state = 'failed'");
    return counts;
  }

  const std::unique_ptr<Dialect> dialect_;
  ReaderPool readers_;
  const std::unique_ptr<Writer> writer_;  // ends first: it commits what waits
};

Status Prepare(const Dialect& dialect, soci::session& session, const StoreOptions& options,
               std::span<const Migration> migrations) {
  return Guarded(dialect, "open", [&]() -> Status {
    if (options.read_only) return CheckSchema(dialect, session, migrations);
    const auto now = std::chrono::floor<std::chrono::seconds>(ClockOf(options).Now());
    return MigrateSchema(dialect, session, migrations, now.time_since_epoch().count());
  });
}

/// Processes that create the same store at once can meet in a step of SQLite's that fails without
/// waiting; all but one then find it made.
Status PreparePatiently(const Dialect& dialect, soci::session& session, const StoreOptions& options,
                        std::span<const Migration> migrations) {
  const auto deadline = std::chrono::steady_clock::now() + options.lock_patience;
  while (true) {
    Status status = Prepare(dialect, session, options, migrations);
    const bool busy = !status.ok() && status.error().code == ErrorCode::kUnavailable;
    if (!busy || std::chrono::steady_clock::now() > deadline) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqlStore(std::unique_ptr<Dialect> dialect,
                                            const StoreOptions& options,
                                            std::span<const Migration> migrations) {
  using StoreResult = Result<std::unique_ptr<Store>>;
  const Dialect& guard = *dialect;
  const auto open = [&]() -> StoreResult {
    const Access access = options.read_only ? Access::kRead : Access::kWrite;
    ARENA_ASSIGN_OR_RETURN(auto session, dialect->Connect(access));
    ARENA_RETURN_IF_ERROR(PreparePatiently(*dialect, *session, options, migrations));
    std::unique_ptr<Writer> writer;
    if (!options.read_only) {
      auto batches = std::make_unique<BatchWriter>(*dialect, *session, options.lock_patience);
      writer = std::make_unique<Writer>(std::move(session), std::move(batches), options,
                                        ClockOf(options));
    }
    std::unique_ptr<Store> store =
        std::make_unique<SqlStore>(std::move(dialect), std::move(writer));
    return store;
  };
  return Guarded(guard, "open", open);
}

}  // namespace arena::store
