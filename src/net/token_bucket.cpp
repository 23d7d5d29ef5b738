#include "net/token_bucket.h"

#include <algorithm>

namespace arena {

TokenBucket::TokenBucket(double per_minute, double burst_seconds)
    : per_minute_(per_minute),
      capacity_(std::max(1.0, per_minute * burst_seconds / 60)),
      // A full bucket's units but one come on top of what a minute refills.
      per_second_(std::max(per_minute - (capacity_ - 1), per_minute / 2) / 60),
      level_(capacity_) {}

void TokenBucket::Refill(Time now) {
  if (has_time_ && now > filled_) {
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    level_ = std::min(capacity_, level_ + seconds * per_second_);
  }
  if (!has_time_ || now > filled_) filled_ = now;
  has_time_ = true;
}

TokenBucket::Time TokenBucket::ReadyAt(double units, Time now) {
  if (!is_limited()) return now;
  Refill(now);
  const double lacking = std::min(units, capacity_) - level_;
  // Less than a billionth is what rounding has left.
  if (lacking <= 1e-9 * capacity_) return now;
  const std::chrono::duration<double> wait(lacking / per_second_);
  return now + std::chrono::ceil<std::chrono::microseconds>(wait);
}

void TokenBucket::Take(double units, Time now) {
  if (!is_limited()) return;
  Refill(now);
  level_ -= units;
}

void TokenBucket::Return(double units, Time now) {
  if (!is_limited()) return;
  Refill(now);
  level_ = std::min(capacity_, level_ + units);
}

}  // namespace arena
