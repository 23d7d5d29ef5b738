// A cap on what requests may cost.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>

namespace arena {

/// Money spent, and the worst that requests in flight can still cost: together never above the cap.
/// Counts in billionths of a dollar, rounded up. Thread-safe.
class Budget {
 public:
  explicit Budget(double cap_usd = std::numeric_limits<double>::infinity());

  /// Sets `usd` apart for a request. False, and nothing is set apart, where that passes the cap.
  bool Reserve(double usd);
  /// Ends what Reserve(reserved) began; the request has cost `spent` (more than `reserved` where
  /// the server charged more than the worst case).
  void Settle(double reserved, double spent);
  double spent() const;
  double reserved() const;

 private:
  mutable std::mutex mutex_;
  std::int64_t cap_;
  std::int64_t spent_ = 0;     // guarded by mutex_
  std::int64_t reserved_ = 0;  // guarded by mutex_
};

}  // namespace arena
