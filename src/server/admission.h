// How much the server takes on at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace arena {

/// Counts the sequences that run or wait. Thread-safe.
class Admission {
 public:
  /// `places`: sequences that the workers run at once. `queue`: how many more may wait.
  Admission(std::int64_t places, std::int64_t queue) : places_(places), queue_(queue) {}

  /// False, and nothing changes: so many more would be too many.
  bool Enter(std::int64_t count);
  void Leave(std::int64_t count);

  std::int64_t limit() const { return places_ + queue_; }
  std::int64_t running() const;
  std::int64_t waiting() const;

  /// Waits until nothing runs or waits; false: not within `timeout`.
  bool WaitUntilEmpty(std::chrono::milliseconds timeout);

 private:
  const std::int64_t places_;
  const std::int64_t queue_;
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::int64_t open_ = 0;  // guarded by mutex_
};

}  // namespace arena
