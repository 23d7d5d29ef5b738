// Opening: what is ours, what is not, and what is older or newer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <fstream>

#include "store/internal/schema.h"
#include "store/internal/sql_store.h"
#include "store/store_fixture.h"

namespace arena {
namespace {

using store::Migration;
using testing::HasSubstr;

// A database of schema version 1 as that version's program left it, with one battle.
constexpr std::string_view kVersion1Fixture[] = {
    "PRAGMA application_id = 1095910734",
    "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    "INSERT INTO meta VALUES ('created_at', '1700000000'), ('schema_version', '1')",
    "CREATE TABLE instruction (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT "
    "NOT NULL, label TEXT NOT NULL DEFAULT '', category TEXT NOT NULL DEFAULT '', conversation "
    "TEXT, reference TEXT, source TEXT NOT NULL DEFAULT '', stored_at BIGINT NOT NULL DEFAULT 0, "
    "UNIQUE (key_high, key_low))",
    "CREATE TABLE contestant (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT "
    "NOT NULL, name TEXT, family TEXT NOT NULL DEFAULT '', behaviour TEXT NOT NULL DEFAULT '', "
    "superseded INTEGER NOT NULL DEFAULT 0, stored_at BIGINT NOT NULL DEFAULT 0, UNIQUE "
    "(key_high, key_low))",
    "CREATE TABLE judge (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT NOT "
    "NULL, name TEXT, family TEXT NOT NULL DEFAULT '', behaviour TEXT NOT NULL DEFAULT '', "
    "stored_at BIGINT NOT NULL DEFAULT 0, UNIQUE (key_high, key_low))",
    "CREATE TABLE answer (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT NOT "
    "NULL, contestant BIGINT NOT NULL REFERENCES contestant (id), instruction BIGINT NOT NULL "
    "REFERENCES instruction (id), sample INTEGER NOT NULL, state TEXT NOT NULL, failure TEXT NOT "
    "NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 1, style_tokens DOUBLE PRECISION NOT "
    "NULL DEFAULT 0, style_headers DOUBLE PRECISION NOT NULL DEFAULT 0, style_lists DOUBLE "
    "PRECISION NOT NULL DEFAULT 0, style_bold DOUBLE PRECISION NOT NULL DEFAULT 0, prompt_tokens "
    "BIGINT NOT NULL DEFAULT 0, completion_tokens BIGINT NOT NULL DEFAULT 0, reasoning_tokens "
    "BIGINT NOT NULL DEFAULT 0, cached_tokens BIGINT NOT NULL DEFAULT 0, latency_ms DOUBLE "
    "PRECISION NOT NULL DEFAULT 0, cost_usd DOUBLE PRECISION NOT NULL DEFAULT 0, stored_at "
    "BIGINT NOT NULL DEFAULT 0, finish_reason TEXT NOT NULL DEFAULT '', error TEXT NOT NULL "
    "DEFAULT '', turns TEXT NOT NULL, reasoning TEXT NOT NULL DEFAULT '', raw_reply TEXT NOT "
    "NULL DEFAULT '', UNIQUE (key_high, key_low))",
    "CREATE TABLE game (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT NOT "
    "NULL, judge BIGINT NOT NULL REFERENCES judge (id), state TEXT NOT NULL, failure TEXT NOT "
    "NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 1, score_first DOUBLE PRECISION NOT NULL "
    "DEFAULT 0, score_second DOUBLE PRECISION NOT NULL DEFAULT 0, prompt_tokens BIGINT NOT NULL "
    "DEFAULT 0, completion_tokens BIGINT NOT NULL DEFAULT 0, reasoning_tokens BIGINT NOT NULL "
    "DEFAULT 0, cached_tokens BIGINT NOT NULL DEFAULT 0, latency_ms DOUBLE PRECISION NOT NULL "
    "DEFAULT 0, cost_usd DOUBLE PRECISION NOT NULL DEFAULT 0, stored_at BIGINT NOT NULL DEFAULT "
    "0, error TEXT NOT NULL DEFAULT '', explanation TEXT NOT NULL DEFAULT '', raw_reply TEXT NOT "
    "NULL DEFAULT '', UNIQUE (key_high, key_low))",
    "CREATE TABLE battle (id INTEGER PRIMARY KEY, key_high BIGINT NOT NULL, key_low BIGINT NOT "
    "NULL, instruction BIGINT NOT NULL REFERENCES instruction (id), contestant_a BIGINT NOT NULL "
    "REFERENCES contestant (id), contestant_b BIGINT NOT NULL REFERENCES contestant (id), judge "
    "BIGINT NOT NULL REFERENCES judge (id), answer_a_high BIGINT NOT NULL, answer_a_low BIGINT "
    "NOT NULL, answer_b_high BIGINT NOT NULL, answer_b_low BIGINT NOT NULL, game_ab_high BIGINT "
    "NOT NULL, game_ab_low BIGINT NOT NULL, game_ba_high BIGINT NOT NULL, game_ba_low BIGINT NOT "
    "NULL, ab_first DOUBLE PRECISION, ab_second DOUBLE PRECISION, ba_first DOUBLE PRECISION, "
    "ba_second DOUBLE PRECISION, UNIQUE (key_high, key_low))",
    "INSERT INTO instruction VALUES (1, 11, -12, 'q1', 'sums', 'user\x1A,2+2?', '4', 'f:1', 5)",
    "INSERT INTO contestant VALUES (1, 21, 1, 'left', '', '{}', 0, 5), "
    "(2, 22, 1, 'right', '', '{\"v\":2}', 0, 5)",
    "INSERT INTO judge VALUES (1, 31, 1, 'referee', '', '{}', 5)",
    "INSERT INTO answer (key_high, key_low, contestant, instruction, sample, state, style_tokens, "
    "turns) VALUES (41, 1, 1, 1, 0, 'done', 7, 'four'), (42, 1, 2, 1, 0, 'done', 8, 'five\x1A"
    "00')",
    "INSERT INTO game (key_high, key_low, judge, state, score_first, score_second, explanation) "
    "VALUES (51, 1, 1, 'done', 10, 1, 'right'), (52, 1, 1, 'done', 2, 9.5, 'yes')",
    "INSERT INTO battle VALUES (1, -9223372036854775808, 5, 1, 1, 2, 1, 41, 1, 42, 1, 51, 1, 52, "
    "1, 10, 1, NULL, NULL)",
};

class StoreSchemaTest : public testing::Test {
 protected:
  template <typename Statements>
  void MakeDatabase(const Statements& statements) {
    soci::session session(soci::sqlite3, "db=\"" + path_ + "\"");
    for (const std::string_view statement : statements) session << statement;
  }
  std::string ErrorOf(const StoreOptions& options = {}) {
    const auto store = OpenStore(path_, options);
    return store.ok() ? "no error" : store.error().message;
  }
  std::string Bytes() {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  Result<std::unique_ptr<Store>> OpenWith(std::span<const Migration> migrations,
                                          const StoreOptions& options = {}) {
    return store::OpenSqlStore(std::move(*store::MakeSqliteDialect(path_, options)), options,
                               migrations);
  }
  int Query(const std::string& sql) {
    soci::session session(soci::sqlite3, "db=\"" + path_ + "\"");
    int value = 0;
    session << sql, soci::into(value);
    return value;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_ / "it's a store.db";
};

TEST_F(StoreSchemaTest, ReadsVersion1) {
  MakeDatabase(kVersion1Fixture);
  const auto opened = OpenStore(path_, {});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  Store& store = **opened;
  const auto detail = store.FindBattle("0000");
  ASSERT_TRUE(detail.ok()) << detail.error().message;
  EXPECT_EQ(detail->instruction.conversation, (Conversation{{Role::kUser, "2+2?"}}));
  EXPECT_EQ(detail->instruction.reference, "4");
  EXPECT_EQ(detail->contestant_b.name, "right");
  EXPECT_EQ(detail->answer_b.text(), std::string("five\0", 5));
  EXPECT_EQ(detail->game_ba->verdict.score_second, 9.5);
  int records = 0;
  const Status status = store.ForEachBattle({}, [&](const BattleRecord& record) -> Status {
    ++records;
    EXPECT_EQ(record.model_a, "left");
    EXPECT_EQ(record.category, "sums");
    EXPECT_EQ(record.games[0].score_a, 10);
    EXPECT_EQ(record.games[1].score_a, 9.5);
    EXPECT_EQ(record.style_b->tokens, 8);
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(records, 1);
  EXPECT_TRUE(SampleArena().PutAll(store, 2, 2).ok()) << "it can be written to";
}

TEST_F(StoreSchemaTest, TheFixtureIsWhatAnEmptyFileBecomes) {
  const auto schema = [&](const std::string& path) {
    soci::session session(soci::sqlite3, "db=\"" + path + "\"");
    std::vector<std::string> tables;
    std::string sql;
    soci::indicator indicator;
    soci::statement statement = (session.prepare << "SELECT sql FROM sqlite_master ORDER BY name",
                                 soci::into(sql, indicator));
    statement.execute();
    while (statement.fetch()) {
      std::string words;
      for (const char c : indicator == soci::i_ok ? sql : "") {
        const bool space = c == ' ' || c == '\n';
        if (space && (words.empty() || words.back() == ' ' || words.back() == '(')) continue;
        words.push_back(space ? ' ' : c);
      }
      tables.push_back(words);
    }
    return tables;
  };
  MakeDatabase(kVersion1Fixture);
  const std::string fresh = folder_ / "fresh.db";
  const Migration first = store::Migrations().front();
  auto dialect = store::MakeSqliteDialect(fresh, {});
  ASSERT_TRUE(store::OpenSqlStore(std::move(*dialect), {}, {&first, 1}).ok());
  EXPECT_EQ(schema(path_), schema(fresh));
}

TEST_F(StoreSchemaTest, OfOlderJudgesOfOneNameTheLastHoldsIt) {
  MakeDatabase(kVersion1Fixture);
  MakeDatabase(std::array{
      std::string_view("INSERT INTO judge VALUES (2, 32, 1, 'referee', '', '{\"v\":2}', 6)")});
  const auto store = OpenStore(path_, {});
  ASSERT_TRUE(store.ok()) << store.error().message;
  const auto judges = (*store)->Judges();
  ASSERT_EQ(judges->size(), 1U);
  EXPECT_EQ(judges->front().behaviour, R"({"v":2})");
}

constexpr std::string_view kAddColumn[] = {
    "ALTER TABLE game ADD COLUMN colour TEXT NOT NULL DEFAULT 'none'",
    "CREATE TABLE extra (id @identity)"};
constexpr std::string_view kBroken[] = {"CREATE TABLE half (id @identity)", "CREATE NONSENSE"};

std::vector<Migration> With(std::initializer_list<Migration> more) {
  std::vector<Migration> migrations(store::Migrations().begin(), store::Migrations().end());
  migrations.insert(migrations.end(), more);
  return migrations;
}

TEST_F(StoreSchemaTest, MigratesAnOlderDatabaseOnce) {
  MakeDatabase(kVersion1Fixture);
  const auto migrations = With({{3, kAddColumn}});
  for (int times = 0; times < 2; ++times) {
    const auto opened = OpenWith(migrations);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ((*opened)->Counts()->games, 2);
  }
  EXPECT_EQ(Query("SELECT COUNT(*) FROM game WHERE colour = 'none'"), 2);
  EXPECT_EQ(Query("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'"), 3);
}

TEST_F(StoreSchemaTest, AFailedMigrationLeavesTheDatabaseAsItWas) {
  MakeDatabase(kVersion1Fixture);
  const auto opened = OpenWith(With({{3, kAddColumn}, {4, kBroken}}));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(Query("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('extra', 'half')"), 0);
  EXPECT_EQ(Query("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'"), 1);
  EXPECT_TRUE(OpenStore(path_, {}).ok());
}

TEST_F(StoreSchemaTest, AnOlderDatabaseIsNotMigratedByReading) {
  MakeDatabase(kVersion1Fixture);
  const auto opened = OpenWith(With({{3, kAddColumn}}), {.read_only = true});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("open it once for writing"));
  EXPECT_EQ(Query("SELECT COUNT(*) FROM sqlite_master WHERE name = 'extra'"), 0);
}

TEST_F(StoreSchemaTest, ANewerDatabaseIsRefused) {
  MakeDatabase(kVersion1Fixture);
  MakeDatabase(std::array{std::string_view("UPDATE meta SET value = '99' WHERE name LIKE 'sch%'")});
  EXPECT_THAT(ErrorOf(), HasSubstr("version 99"));
  EXPECT_THAT(ErrorOf({.read_only = true}), HasSubstr("version 99"));
  MakeDatabase(std::array{std::string_view("UPDATE meta SET value = 'x' WHERE name LIKE 'sch%'")});
  EXPECT_THAT(ErrorOf(), HasSubstr("damaged"));
}

TEST_F(StoreSchemaTest, AnotherProgramsDatabaseIsRefusedUntouched) {
  MakeDatabase(std::array{std::string_view("CREATE TABLE contestant (id INTEGER)")});
  const std::string before = Bytes();
  EXPECT_THAT(ErrorOf(), HasSubstr("another program"));
  EXPECT_EQ(Bytes(), before);
  MakeDatabase(std::array{std::string_view("DROP TABLE contestant"),
                          std::string_view("PRAGMA application_id = 77")});
  EXPECT_THAT(ErrorOf(), HasSubstr("another program"));
}

TEST_F(StoreSchemaTest, AFileThatIsNoDatabaseIsRefusedUntouched) {
  std::ofstream(path_) << std::string(5000, 'x');
  const auto opened = OpenStore(path_, {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidInput) << opened.error().message;
  EXPECT_THAT(opened.error().message, HasSubstr("not a database"));
  EXPECT_EQ(Bytes(), std::string(5000, 'x'));
  EXPECT_FALSE(OpenStore(path_, {.read_only = true}).ok());
}

TEST_F(StoreSchemaTest, AnEmptyFileBecomesAStore) {
  { std::ofstream file(path_); }
  EXPECT_THAT(ErrorOf({.read_only = true}), HasSubstr("empty"));
  EXPECT_EQ(ErrorOf(), "no error");
  EXPECT_EQ(Query("PRAGMA application_id"), 0x4152454E);
}

TEST_F(StoreSchemaTest, WaitsForTheLockOnlySoLong) {
  ASSERT_EQ(ErrorOf(), "no error");
  const auto store = OpenStore(path_, {.lock_patience = std::chrono::milliseconds(50)});
  soci::session other(soci::sqlite3, "db=\"" + path_ + "\"");
  other << "BEGIN IMMEDIATE";
  const SampleArena arena;
  ASSERT_TRUE((*store)->PutJudge(arena.judge).ok());
  const Status status = (*store)->Flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().message, HasSubstr("another process"));
}

TEST_F(StoreSchemaTest, GetsTheLockWhenItIsFree) {
  const auto store = OpenStore(path_, {});
  soci::session other(soci::sqlite3, "db=\"" + path_ + "\"");
  other << "BEGIN IMMEDIATE";
  const SampleArena arena;
  ASSERT_TRUE((*store)->PutJudge(arena.judge).ok());
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    other << "COMMIT";
  });
  EXPECT_TRUE((*store)->Flush().ok());
  release.join();
  EXPECT_EQ((*store)->Judges()->size(), 1U);
}

}  // namespace
}  // namespace arena
