#include "server/internal/connection_threads.h"

#include <utility>

namespace arena {

void ConnectionThreads::enqueue(std::function<void()> connection) {
  {
    const std::lock_guard lock(mutex_);
    connections_.push_back(std::move(connection));
    if (idle_ < connections_.size() && threads_.size() < most_) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  wake_.notify_one();
}

void ConnectionThreads::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    is_shut_down_ = true;
  }
  wake_.notify_all();
  // Nothing is added any more: the library calls this from the thread that accepts.
  for (std::thread& thread : threads_) thread.join();
}

void ConnectionThreads::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return is_shut_down_ || !connections_.empty(); });
    --idle_;
    if (connections_.empty()) return;
    const std::function<void()> connection = std::move(connections_.front());
    connections_.pop_front();
    lock.unlock();
    connection();
    lock.lock();
  }
}

}  // namespace arena
