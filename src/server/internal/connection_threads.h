// A thread for each connection that is open, made when it is needed.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace arena {

/// The library's pool starts all its threads at once, and each connection keeps one for as long as
/// it is open. Thread-safe.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(std::size_t most) : most_(most) {}

  void enqueue(std::function<void()> connection) override;
  /// Waits until every connection has ended. Once.
  void shutdown() override;

 private:
  void Run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // All below are guarded by mutex_.
  std::deque<std::function<void()>> connections_;  // without a thread
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool is_shut_down_ = false;
};

}  // namespace arena
