// Transactions that end with their scope.
#pragma once

#include <chrono>

#include "base/result.h"
#include "store/internal/dialect.h"

namespace arena::store {

/// A transaction that writes; rolled back unless committed. Not thread-safe.
class WriteTransaction {
 public:
  /// Waits for the write lock at most `patience`. Error: kUnavailable when that has passed.
  static Result<WriteTransaction> Begin(
      const Dialect& dialect, soci::session& session,
      std::chrono::milliseconds patience = std::chrono::minutes(1));
  WriteTransaction(WriteTransaction&& other) noexcept;
  WriteTransaction& operator=(WriteTransaction&&) = delete;
  ~WriteTransaction();

  void Commit();

 private:
  explicit WriteTransaction(soci::session& session) : session_(&session) {}
  soci::session* session_;  ///< null once committed
};

/// Makes all reads of its scope see one state of the database. Not thread-safe.
class ReadTransaction {
 public:
  explicit ReadTransaction(soci::session& session);
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  ~ReadTransaction();

 private:
  soci::session& session_;
};

}  // namespace arena::store
