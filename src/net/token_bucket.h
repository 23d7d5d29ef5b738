// A rate per minute, with short bursts.
#pragma once

#include <chrono>

namespace arena {

/// Hands out at most `per_minute` units within any 60 seconds: the bucket starts full with
/// `burst_seconds` worth of units (one at least), and what it holds counts against the refill.
/// A rate of 0 is no limit. Not thread-safe.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(double per_minute, double burst_seconds);

  /// When `units` may be taken, now or later. More than the bucket holds may be taken when it is
  /// full; it then owes the rest.
  Time ReadyAt(double units, Time now);
  void Take(double units, Time now);
  /// Corrects an estimate: gives back `units`, or takes more where they are negative.
  void Return(double units, Time now);

 private:
  bool is_limited() const { return per_minute_ > 0; }
  void Refill(Time now);

  double per_minute_;
  double capacity_;
  double per_second_;
  double level_;
  Time filled_{};
  bool has_time_ = false;
};

}  // namespace arena
