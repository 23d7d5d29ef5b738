#include "store/internal/writer.h"

#include <algorithm>

namespace arena::store {
namespace {

using std::chrono::steady_clock;

// Another process that waits for the lock asks every millisecond; under constant load it gets this
// much of a chance, this often.
constexpr auto kYieldEvery = std::chrono::milliseconds(250);
constexpr auto kYieldFor = std::chrono::milliseconds(2);

}  // namespace

Writer::Writer(std::unique_ptr<soci::session> session, std::unique_ptr<BatchWriter> batch_writer,
               const StoreOptions& options, const Clock& clock)
    : session_(std::move(session)),
      batch_writer_(std::move(batch_writer)),
      clock_(clock),
      batch_rows_(static_cast<std::size_t>(std::max(options.batch_rows, 1))),
      batch_time_(options.batch_time),
      thread_([this] { Run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

Status Writer::PutRevision(std::vector<GameRow> games, std::vector<BattleRow> battles) {
  const std::size_t game_bytes = BytesOf(games);
  const std::size_t battle_bytes = BytesOf(battles);
  {
    std::unique_lock lock(mutex_);
    ARENA_RETURN_IF_ERROR(WaitForRoom(lock));
    Append(&Batch::revised_games, std::move(games), game_bytes);
    Append(&Batch::battles, std::move(battles), battle_bytes);
  }
  work_.notify_one();
  return {};
}

Status Writer::Flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = put_count_;
  flush_count_ = std::max(flush_count_, target);
  work_.notify_one();
  change_.wait(lock, [&] { return committed_count_ >= target || !status_.ok(); });
  return status_;
}

bool Writer::IsFull() const {
  return pending_.rows >= batch_rows_ * kMostBatches || pending_.bytes >= kMostBytes;
}

Status Writer::WaitForRoom(std::unique_lock<std::mutex>& lock) {
  change_.wait(lock, [&] { return !IsFull() || !status_.ok(); });
  return status_;
}

bool Writer::NextBatch(Batch& batch, std::uint64_t& last_put) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] {
    return stopping_ || pending_.rows >= batch_rows_ || IsFull() || flush_count_ > committed_count_;
  };
  work_.wait(lock, [&] { return pending_.rows > 0 || ready(); });
  work_.wait_until(lock, first_pending_ + batch_time_, ready);
  batch = std::exchange(pending_, Batch{});
  last_put = put_count_;
  lock.unlock();
  change_.notify_all();
  return batch.rows > 0;
}

void Writer::Run() {
  auto last_idle = steady_clock::now();
  while (true) {
    Batch batch;
    std::uint64_t last_put = 0;
    const bool any = NextBatch(batch, last_put);
    Status written;
    if (any) {
      const auto now = std::chrono::floor<std::chrono::seconds>(clock_.Now());
      written = batch_writer_->Write(batch, now.time_since_epoch().count());
    }
    bool idle = false;
    {
      const std::lock_guard lock(mutex_);
      committed_count_ = last_put;
      if (!written.ok()) status_ = written;
      idle = pending_.rows == 0;
      if (!status_.ok() || (stopping_ && idle)) break;
    }
    change_.notify_all();
    const auto now = steady_clock::now();
    if (idle) {
      last_idle = now;
    } else if (now - last_idle > kYieldEvery) {
      std::this_thread::sleep_for(kYieldFor);
      last_idle = steady_clock::now();
    }
  }
  change_.notify_all();
}

}  // namespace arena::store
