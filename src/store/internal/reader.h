// One reading connection with its statements, and the pool of them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/internal/dialect.h"
#include "store/internal/rows.h"
#include "store/internal/statement.h"

namespace arena::store {

struct StyleTurns {
  StyleCounts style;
  std::string turns;
};

/// Reads single rows by key. Every call may throw. Not thread-safe.
class Reader {
 public:
  explicit Reader(std::unique_ptr<soci::session> session) : session_(std::move(session)) {}

  soci::session& session() { return *session_; }

  Result<std::optional<Answer>> FindAnswer(const Key& key);
  Result<std::optional<Game>> FindGame(const Key& key);
  Result<std::optional<Instruction>> FindInstruction(const Key& key);
  bool HaveAnswer(const Key& key);
  bool HaveGame(const Key& key);
  /// Of an answer that is done.
  std::optional<StyleCounts> FindStyle(const Key& answer);
  const StyleTurns* FindStyleTurns(const Key& answer);

 private:
  const std::unique_ptr<soci::session> session_;
  // Prepared at their first use.
  std::unique_ptr<Lookup<AnswerRow>> answer_;
  std::unique_ptr<Lookup<GameRow>> game_;
  std::unique_ptr<Lookup<InstructionRow>> instruction_;
  std::unique_ptr<Lookup<long long>> have_answer_;
  std::unique_ptr<Lookup<long long>> have_game_;
  std::unique_ptr<Lookup<StyleCounts>> style_;
  std::unique_ptr<Lookup<StyleTurns>> style_turns_;
};

/// Hands out readers. A reader more is opened when all are in use, so that a callback of one
/// reading may read too. Thread-safe.
class ReaderPool {
 public:
  explicit ReaderPool(const Dialect& dialect) : dialect_(dialect) {}

  /// A reader that returns to the pool with the end of its scope.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Reader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Reader& operator*() const { return *reader_; }
    Reader* operator->() const { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  Result<Lease> Get();

 private:
  static constexpr std::size_t kMostIdle = 8;
  void Return(std::unique_ptr<Reader> reader);

  const Dialect& dialect_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;  // guarded by mutex_
};

}  // namespace arena::store
