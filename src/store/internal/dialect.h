// The one place where the databases differ: connecting, identity, transactions, errors.
#pragma once

#include <soci/soci.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace arena::store {

enum class Access {
  kWrite,  ///< the writer's connection; creates the database where there is none
  kRead,   ///< a connection that only reads a database that exists
};

/// What a database says about itself before anything is read from its tables.
enum class Identity { kEmpty, kOurs, kForeign };

/// What the statements of this folder need to know of a database. Thread-safe, no state but what
/// is constant after construction.
class Dialect {
 public:
  virtual ~Dialect() = default;

  /// Where the database is, for messages.
  virtual const std::string& where() const = 0;

  /// Opens a connection. May throw what the database's library throws, as everything below.
  virtual Result<std::unique_ptr<soci::session>> Connect(Access access) const = 0;
  virtual Identity Identify(soci::session& session) const = 0;
  /// Inside the transaction that creates the schema.
  virtual void MarkAsOurs(soci::session& session) const = 0;
  /// Settings of a writing connection that change the database: called once it is known as ours.
  virtual Status Configure(soci::session& session) const = 0;

  /// The type of a column that the database numbers by itself.
  virtual std::string_view identity_column() const = 0;

  /// Begins a transaction that will write. False: another process holds the lock, ask again.
  virtual bool TryBeginWrite(soci::session& session) const = 0;

  /// The error of the exception being handled, without any value that was bound to a statement.
  /// Call it in a catch clause only. `doing` completes "cannot ...".
  virtual Error CurrentError(std::string_view doing) const = 0;
};

/// SQLite in the file `path`, in write-ahead-log mode.
Result<std::unique_ptr<Dialect>> MakeSqliteDialect(std::string_view path,
                                                   const StoreOptions& options);

/// Calls `body` and turns exceptions into errors.
template <typename F>
auto Guarded(const Dialect& dialect, std::string_view doing, F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return dialect.CurrentError(doing);
  }
}

}  // namespace arena::store
