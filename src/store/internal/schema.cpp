#include "store/internal/schema.h"

#include <fmt/core.h>

#include <string>

#include "store/internal/transaction.h"

namespace arena::store {
namespace {

// Only types and clauses that SQLite and PostgreSQL both know. A key is two signed 64-bit numbers
// whose order is the key's order (rows.h): as text its index would be twice as large.
constexpr std::string_view kVersion1[] = {
    R"(CREATE TABLE instruction (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             label TEXT NOT NULL DEFAULT '',
             category TEXT NOT NULL DEFAULT '',
             conversation TEXT,
             reference TEXT,
             source TEXT NOT NULL DEFAULT '',
             stored_at BIGINT NOT NULL DEFAULT 0,
             UNIQUE (key_high, key_low)))",
    R"(CREATE TABLE contestant (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             name TEXT,
             family TEXT NOT NULL DEFAULT '',
             behaviour TEXT NOT NULL DEFAULT '',
             superseded INTEGER NOT NULL DEFAULT 0,
             stored_at BIGINT NOT NULL DEFAULT 0,
             UNIQUE (key_high, key_low)))",
    R"(CREATE TABLE judge (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             name TEXT,
             family TEXT NOT NULL DEFAULT '',
             behaviour TEXT NOT NULL DEFAULT '',
             stored_at BIGINT NOT NULL DEFAULT 0,
             UNIQUE (key_high, key_low)))",
    R"(CREATE TABLE answer (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             contestant BIGINT NOT NULL REFERENCES contestant (id),
             instruction BIGINT NOT NULL REFERENCES instruction (id),
             sample INTEGER NOT NULL,
             state TEXT NOT NULL,
             failure TEXT NOT NULL DEFAULT '',
             attempts INTEGER NOT NULL DEFAULT 1,
             style_tokens DOUBLE PRECISION NOT NULL DEFAULT 0,
             style_headers DOUBLE PRECISION NOT NULL DEFAULT 0,
             style_lists DOUBLE PRECISION NOT NULL DEFAULT 0,
             style_bold DOUBLE PRECISION NOT NULL DEFAULT 0,
             prompt_tokens BIGINT NOT NULL DEFAULT 0,
             completion_tokens BIGINT NOT NULL DEFAULT 0,
             reasoning_tokens BIGINT NOT NULL DEFAULT 0,
             cached_tokens BIGINT NOT NULL DEFAULT 0,
             latency_ms DOUBLE PRECISION NOT NULL DEFAULT 0,
             cost_usd DOUBLE PRECISION NOT NULL DEFAULT 0,
             stored_at BIGINT NOT NULL DEFAULT 0,
             finish_reason TEXT NOT NULL DEFAULT '',
             error TEXT NOT NULL DEFAULT '',
             turns TEXT NOT NULL,
             reasoning TEXT NOT NULL DEFAULT '',
             raw_reply TEXT NOT NULL DEFAULT '',
             UNIQUE (key_high, key_low)))",
    R"(CREATE TABLE game (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             judge BIGINT NOT NULL REFERENCES judge (id),
             state TEXT NOT NULL,
             failure TEXT NOT NULL DEFAULT '',
             attempts INTEGER NOT NULL DEFAULT 1,
             score_first DOUBLE PRECISION NOT NULL DEFAULT 0,
             score_second DOUBLE PRECISION NOT NULL DEFAULT 0,
             prompt_tokens BIGINT NOT NULL DEFAULT 0,
             completion_tokens BIGINT NOT NULL DEFAULT 0,
             reasoning_tokens BIGINT NOT NULL DEFAULT 0,
             cached_tokens BIGINT NOT NULL DEFAULT 0,
             latency_ms DOUBLE PRECISION NOT NULL DEFAULT 0,
             cost_usd DOUBLE PRECISION NOT NULL DEFAULT 0,
             stored_at BIGINT NOT NULL DEFAULT 0,
             error TEXT NOT NULL DEFAULT '',
             explanation TEXT NOT NULL DEFAULT '',
             raw_reply TEXT NOT NULL DEFAULT '',
             UNIQUE (key_high, key_low)))",
    R"(CREATE TABLE battle (
             id @identity,
             key_high BIGINT NOT NULL, key_low BIGINT NOT NULL,
             instruction BIGINT NOT NULL REFERENCES instruction (id),
             contestant_a BIGINT NOT NULL REFERENCES contestant (id),
             contestant_b BIGINT NOT NULL REFERENCES contestant (id),
             judge BIGINT NOT NULL REFERENCES judge (id),
             answer_a_high BIGINT NOT NULL, answer_a_low BIGINT NOT NULL,
             answer_b_high BIGINT NOT NULL, answer_b_low BIGINT NOT NULL,
             game_ab_high BIGINT NOT NULL, game_ab_low BIGINT NOT NULL,
             game_ba_high BIGINT NOT NULL, game_ba_low BIGINT NOT NULL,
             ab_first DOUBLE PRECISION, ab_second DOUBLE PRECISION,
             ba_first DOUBLE PRECISION, ba_second DOUBLE PRECISION,
             UNIQUE (key_high, key_low)))",
};

// A judge's settings change as a contestant's do: the newest holds the name.
constexpr std::string_view kVersion2[] = {
    "ALTER TABLE judge ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0",
    "UPDATE judge SET superseded = 1 WHERE EXISTS (SELECT 1 FROM judge later "
    "WHERE later.name = judge.name AND later.id > judge.id)",
};

Error Foreign(const Dialect& dialect) {
  return InvalidInput(
      fmt::format("{} is the database of another program, not a store of arena; name another file",
                  dialect.where()));
}

Result<int> ReadVersion(const Dialect& dialect, soci::session& session) {
  std::string text;
  soci::indicator indicator = soci::i_null;
  session << "SELECT value FROM meta WHERE name = 'schema_version'", soci::into(text, indicator);
  int version = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || version > 1'000'000) {
      version = 0;
      break;
    }
    version = version * 10 + (c - '0');
  }
  if (version == 0) {
    return IoError(fmt::format("{} has no valid schema_version in its table meta: it is damaged",
                               dialect.where()));
  }
  return version;
}

Status RefuseNewer(const Dialect& dialect, int version, int newest) {
  if (version <= newest) return {};
  return InvalidInput(fmt::format(
      "{} has schema version {}, and this program knows up to {}; use the newer program "
      "that wrote it",
      dialect.where(), version, newest));
}

std::string Substituted(std::string_view statement, std::string_view identity) {
  constexpr std::string_view kMark = "@identity";
  std::string sql(statement);
  if (const auto at = sql.find(kMark); at != std::string::npos) {
    sql.replace(at, kMark.size(), identity);
  }
  return sql;
}

void SetMeta(soci::session& session, std::string name, std::string value) {
  session << "INSERT INTO meta (name, value) VALUES (:name, :value) "
             "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      soci::use(name, "name"), soci::use(value, "value");
}

/// The version of a database that is ours or empty (0).
Result<int> CurrentVersion(const Dialect& dialect, soci::session& session) {
  switch (dialect.Identify(session)) {
    case Identity::kEmpty:
      return 0;
    case Identity::kForeign:
      return Foreign(dialect);
    case Identity::kOurs:
      break;
  }
  return ReadVersion(dialect, session);
}

Status Apply(const Dialect& dialect, soci::session& session, std::span<const Migration> migrations,
             int version, std::int64_t now_s) {
  if (version == 0) {
    dialect.MarkAsOurs(session);
    session << "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)";
    SetMeta(session, "created_at", std::to_string(now_s));
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= version) continue;
    for (const std::string_view statement : migration.statements) {
      session << Substituted(statement, dialect.identity_column());
    }
    SetMeta(session, "schema_version", std::to_string(migration.version));
  }
  return {};
}

}  // namespace

std::span<const Migration> Migrations() {
  static constexpr Migration kMigrations[] = {{1, kVersion1}, {2, kVersion2}};
  return kMigrations;
}

Status MigrateSchema(const Dialect& dialect, soci::session& session,
                     std::span<const Migration> migrations, std::int64_t now_s) {
  const int newest = migrations.back().version;
  ARENA_ASSIGN_OR_RETURN(const int before, CurrentVersion(dialect, session));
  ARENA_RETURN_IF_ERROR(RefuseNewer(dialect, before, newest));
  ARENA_RETURN_IF_ERROR(dialect.Configure(session));
  if (before == newest) return {};
  ARENA_ASSIGN_OR_RETURN(WriteTransaction transaction, WriteTransaction::Begin(dialect, session));
  // Another process may have migrated it while this one waited for the lock.
  ARENA_ASSIGN_OR_RETURN(const int version, CurrentVersion(dialect, session));
  ARENA_RETURN_IF_ERROR(RefuseNewer(dialect, version, newest));
  ARENA_RETURN_IF_ERROR(Apply(dialect, session, migrations, version, now_s));
  transaction.Commit();
  return {};
}

Status CheckSchema(const Dialect& dialect, soci::session& session,
                   std::span<const Migration> migrations) {
  const int newest = migrations.back().version;
  if (dialect.Identify(session) == Identity::kEmpty) {
    return InvalidInput(fmt::format("{} is empty, not a store of arena", dialect.where()));
  }
  ARENA_ASSIGN_OR_RETURN(const int version, CurrentVersion(dialect, session));
  ARENA_RETURN_IF_ERROR(RefuseNewer(dialect, version, newest));
  if (version < newest) {
    return InvalidInput(fmt::format(
        "{} has schema version {} and this program needs {}; open it once for writing, which "
        "migrates it",
        dialect.where(), version, newest));
  }
  return {};
}

}  // namespace arena::store
