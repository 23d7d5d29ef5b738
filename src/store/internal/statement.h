// Prepared statements bound to rows.
#pragma once

#include <soci/soci.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/internal/sql.h"

namespace arena::store {

template <typename T>
void BindUse(soci::statement& statement, T& member) {
  statement.exchange(soci::use(member));
}
template <typename T>
void BindUse(soci::statement& statement, Nullable<T>& member) {
  statement.exchange(soci::use(member.value, member.indicator));
}
template <typename T>
void BindInto(soci::statement& statement, T& member) {
  statement.exchange(soci::into(member));
}
template <typename T>
void BindInto(soci::statement& statement, Nullable<T>& member) {
  statement.exchange(soci::into(member.value, member.indicator));
}
inline void BindInto(soci::statement& statement, DbKey& key) {
  BindInto(statement, key.high);
  BindInto(statement, key.low);
}

/// A SELECT of at most one row by a key; the row is delivered into a `Target` that it owns. Not
/// movable: the statement holds addresses. Not thread-safe.
template <typename Target>
class Lookup {
 public:
  /// `bind(statement, target)` binds the columns.
  template <typename Bind>
  Lookup(soci::session& session, std::string_view sql, Bind bind) : statement_(session) {
    bind(statement_, target_);
    statement_.exchange(soci::use(key_.high, "key_high"));
    statement_.exchange(soci::use(key_.low, "key_low"));
    statement_.alloc();
    statement_.prepare(std::string(sql));
    statement_.define_and_bind();
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// The row, valid until the next call; null where there is none.
  const Target* Find(const DbKey& key) {
    key_ = key;
    if (!statement_.execute(true)) return nullptr;
    // An SQLite statement that has not seen its last row keeps a read lock on the database, and
    // with it an old state.
    while (statement_.fetch()) {
    }
    return &target_;
  }

 private:
  DbKey key_;
  Target target_{};
  soci::statement statement_;
};

/// Upserts of rows of one table, several to a statement. `Visit` is a functor that calls one of
/// the Visit...() of rows.h. Not thread-safe.
template <typename Row, typename Visit>
class BulkUpsert {
 public:
  /// More rows to a statement save less and less; the databases limit its parameters.
  static constexpr std::size_t kRowsPerStatement = 20;

  BulkUpsert(soci::session& session, std::string_view table, const Conflict& conflict)
      : many_(session, table, kRowsPerStatement, conflict), one_(session, table, 1, conflict) {}

  /// Moves from the row, which is written when enough are there, or by Finish(). Keys must differ
  /// between two Finish(). `written(rows)` is called for rows of which it is known that they were
  /// inserted or replaced what was there.
  template <typename Written>
  void Add(Row& row, Written written) {
    many_.slots[waiting_++] = std::move(row);
    if (waiting_ < kRowsPerStatement) return;
    waiting_ = 0;
    many_.Execute(written);
  }
  void Add(Row& row) {
    Add(row, [](auto) {});
  }

  template <typename Written>
  void Finish(Written written) {
    const std::size_t count = std::exchange(waiting_, 0);
    for (std::size_t i = 0; i < count; ++i) {
      one_.slots.front() = std::move(many_.slots[i]);
      one_.Execute(written);
    }
  }
  void Finish() {
    Finish([](auto) {});
  }

  /// Drops what was added since Finish(): its transaction was rolled back.
  void Forget() { waiting_ = 0; }

 private:
  struct Block {
    Block(soci::session& session, std::string_view table, std::size_t rows,
          const Conflict& conflict)
        : slots(rows), statement(session) {
      for (Row& row : slots) {
        Visit{}(row, [&](std::string_view, auto& member) { BindUse(statement, member); });
      }
      statement.alloc();
      statement.prepare(UpsertSql(table, ColumnNames<Row>(Visit{}), rows, conflict));
      statement.define_and_bind();
    }

    template <typename Written>
    void Execute(Written written) {
      statement.execute(true);
      if (statement.get_affected_rows() == static_cast<long long>(slots.size())) {
        written(std::span<const Row>(slots));
      }
    }

    std::vector<Row> slots;  // never resized: the statement holds addresses
    soci::statement statement;
  };

  Block many_;
  Block one_;
  std::size_t waiting_ = 0;  // rows in many_.slots that are not written yet
};

}  // namespace arena::store
