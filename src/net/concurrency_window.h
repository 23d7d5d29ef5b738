// How many requests an endpoint gets at once: additive increase, multiplicative decrease.
#pragma once

#include <algorithm>
#include <chrono>

namespace arena {

/// Starts at the most that the user allows and halves when the server is overloaded; each window's
/// worth of successes adds one again (Chiu and Jain, 1989). Not thread-safe.
class ConcurrencyWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ConcurrencyWindow(int most) : most_(std::max(1, most)), size_(most_) {}

  /// At least 1.
  int size() const { return static_cast<int>(size_); }
  void OnSuccess() { size_ = std::min(most_, size_ + 1 / size_); }
  /// `started`: when the request began that met the overload. One of before the last decrease says
  /// nothing of the present size.
  void OnCongestion(Time started, Time now) {
    if (has_shrunk_ && started < shrunk_) return;
    size_ = std::max(1.0, size_ / 2);
    shrunk_ = now;
    has_shrunk_ = true;
  }

 private:
  double most_;
  double size_;
  Time shrunk_{};
  bool has_shrunk_ = false;
};

}  // namespace arena
