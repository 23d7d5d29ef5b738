// The writer thread and the queue before it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/internal/batch.h"

namespace arena::store {

/// Groups what is put into transactions, on a thread of its own. Thread-safe.
///
/// The thread begins a transaction when batch_rows rows wait, batch_time after the first of them,
/// or on Flush. What is put meanwhile goes into the next one together, so that transactions grow
/// under load up to kMostBatches times batch_rows rows, or kMostBytes of text; puts then wait.
class Writer {
 public:
  static constexpr int kMostBatches = 64;
  static constexpr std::size_t kMostBytes = 64U << 20;
  /// The rows that callers should put at a time, so that the bounds hold.
  static constexpr std::size_t kSliceRows = 256;

  /// `session`: the connection that `batch_writer` uses. `clock` must outlive the writer.
  Writer(std::unique_ptr<soci::session> session, std::unique_ptr<BatchWriter> batch_writer,
         const StoreOptions& options, const Clock& clock);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Commits what was put.
  ~Writer();

  /// Waits while the queue is full. Error: the first one that a write had, for ever after it.
  template <typename Row>
  Status Put(std::vector<Row> Batch::*table, std::vector<Row> rows);

  /// Both in one transaction.
  Status PutRevision(std::vector<GameRow> games, std::vector<BattleRow> battles);

  /// Returns when what was put before the call is committed, or the first error of a write.
  Status Flush();

 private:
  template <typename Row>
  void Append(std::vector<Row> Batch::*table, std::vector<Row> rows, std::size_t bytes);
  Status WaitForRoom(std::unique_lock<std::mutex>& lock);
  void Run();
  bool NextBatch(Batch& batch, std::uint64_t& last_put);
  bool IsFull() const;

  const std::unique_ptr<soci::session> session_;
  const std::unique_ptr<BatchWriter> batch_writer_;  // used by thread_ only
  const Clock& clock_;
  const std::size_t batch_rows_;
  const std::chrono::milliseconds batch_time_;

  std::mutex mutex_;
  std::condition_variable work_;    // for the thread: rows, a flush or the end
  std::condition_variable change_;  // for callers: room, or progress
  // Guarded by mutex_:
  Batch pending_;
  std::chrono::steady_clock::time_point first_pending_;
  std::uint64_t put_count_ = 0;        // puts so far
  std::uint64_t committed_count_ = 0;  // of which these are committed
  std::uint64_t flush_count_ = 0;      // commit up to here without waiting for more
  bool stopping_ = false;
  Status status_;  // the first error

  std::thread thread_;  // last: it uses all of the above
};

template <typename Row>
std::size_t BytesOf(const std::vector<Row>& rows) {
  std::size_t bytes = 0;
  for (const Row& row : rows) bytes += TextBytes(row);
  return bytes;
}

/// With mutex_ held.
template <typename Row>
void Writer::Append(std::vector<Row> Batch::*table, std::vector<Row> rows, std::size_t bytes) {
  if (pending_.rows == 0) first_pending_ = std::chrono::steady_clock::now();
  pending_.rows += rows.size();
  pending_.bytes += bytes;
  ++put_count_;
  std::vector<Row>& waiting = pending_.*table;
  waiting.insert(waiting.end(), std::make_move_iterator(rows.begin()),
                 std::make_move_iterator(rows.end()));
}

template <typename Row>
Status Writer::Put(std::vector<Row> Batch::*table, std::vector<Row> rows) {
  if (rows.empty()) return {};
  const std::size_t bytes = BytesOf(rows);
  std::unique_lock lock(mutex_);
  ARENA_RETURN_IF_ERROR(WaitForRoom(lock));
  const bool was_empty = pending_.rows == 0;
  const bool was_short = pending_.rows < batch_rows_;
  Append(table, std::move(rows), bytes);
  const bool wake = was_empty || (was_short && pending_.rows >= batch_rows_) || IsFull();
  lock.unlock();
  if (wake) work_.notify_one();
  return {};
}

}  // namespace arena::store
