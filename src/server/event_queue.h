// What the model's threads hand to the thread that answers a client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace arena {

/// Thread-safe. Holds what one request can give, and so no more than the context has tokens.
template <typename Event>
class EventQueue {
 public:
  void Push(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    has_event_.notify_one();
  }

  /// The oldest event; none after `timeout` without any.
  std::optional<Event> Next(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!has_event_.wait_for(lock, timeout, [this] { return !events_.empty(); })) {
      return std::nullopt;
    }
    std::optional<Event> event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_event_;
  std::deque<Event> events_;  // guarded by mutex_
};

}  // namespace arena
