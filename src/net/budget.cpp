#include "net/budget.h"

#include <algorithm>
#include <cmath>

namespace arena {
namespace {

constexpr double kNanosPerUsd = 1e9;
constexpr std::int64_t kMostNanos = std::numeric_limits<std::int64_t>::max() / 4;

std::int64_t RoundedUp(double usd) {
  const double nanos = std::ceil(std::max(usd, 0.0) * kNanosPerUsd);
  return nanos < static_cast<double>(kMostNanos) ? static_cast<std::int64_t>(nanos) : kMostNanos;
}

}  // namespace

// The cap alone is rounded down.
Budget::Budget(double cap_usd)
    : cap_(std::isfinite(cap_usd) && cap_usd < 1e9
               ? static_cast<std::int64_t>(std::floor(std::max(cap_usd, 0.0) * kNanosPerUsd))
               : kMostNanos) {}

bool Budget::Reserve(double usd) {
  const std::int64_t nanos = RoundedUp(usd);
  const std::lock_guard lock(mutex_);
  if (nanos > cap_ - spent_ - reserved_) return false;
  reserved_ += nanos;
  return true;
}

void Budget::Settle(double reserved, double spent) {
  const std::lock_guard lock(mutex_);
  reserved_ -= RoundedUp(reserved);
  spent_ += RoundedUp(spent);
}

double Budget::spent() const {
  const std::lock_guard lock(mutex_);
  return static_cast<double>(spent_) / kNanosPerUsd;
}

double Budget::reserved() const {
  const std::lock_guard lock(mutex_);
  return static_cast<double>(reserved_) / kNanosPerUsd;
}

}  // namespace arena
