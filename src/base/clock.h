// Time, injected so that tests own it.
#pragma once

#include <chrono>

namespace arena {

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time, for records that people read.
  virtual std::chrono::system_clock::time_point Now() const = 0;
  /// Monotonic time, for durations.
  virtual std::chrono::steady_clock::time_point Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override {
    return std::chrono::system_clock::now();
  }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace arena
