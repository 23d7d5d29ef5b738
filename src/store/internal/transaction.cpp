#include "store/internal/transaction.h"

#include <fmt/core.h>

#include <thread>
#include <utility>

namespace arena::store {
namespace {

void RollBackQuietly(soci::session& session) {
  try {
    session.rollback();
  } catch (...) {
    // Some errors have ended the transaction already; there is nothing left to undo.
  }
}

}  // namespace

Result<WriteTransaction> WriteTransaction::Begin(const Dialect& dialect, soci::session& session,
                                                 std::chrono::milliseconds patience) {
  // Polls much more often than SQLite's own busy handler: beside a process that writes without a
  // pause the lock is free for moments only.
  constexpr auto kPoll = std::chrono::milliseconds(1);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!dialect.TryBeginWrite(session)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("another process has kept {} locked for {} s; end it or try later",
                               dialect.where(), patience.count() / 1000)};
    }
    std::this_thread::sleep_for(kPoll);
  }
  return WriteTransaction(session);
}

WriteTransaction::WriteTransaction(WriteTransaction&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)) {}

WriteTransaction::~WriteTransaction() {
  if (session_ != nullptr) RollBackQuietly(*session_);
}

void WriteTransaction::Commit() {
  session_->commit();
  session_ = nullptr;
}

ReadTransaction::ReadTransaction(soci::session& session) : session_(session) { session_.begin(); }

ReadTransaction::~ReadTransaction() { RollBackQuietly(session_); }

}  // namespace arena::store
