// How much one rendering may do, so that a hostile template ends.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace arena::jinja {

/// What one evaluated expression or statement costs; a byte or an element read or written costs 1.
inline constexpr std::size_t kStepCost = 64;
/// What a new text of its own costs, so that memory is bounded with the work.
inline constexpr std::size_t kElementCost = 256;

/// Counts units of work down. Once it is exhausted it stays so. Not thread-safe.
class Budget {
 public:
  explicit Budget(std::size_t units) : left_(units) {}

  /// False: exhausted; the caller stops early and whoever called it fails with Check().
  bool Spend(std::size_t units) {
    left_ = is_exhausted_ || units > left_ ? 0 : left_ - units;
    is_exhausted_ = is_exhausted_ || left_ == 0;
    return !is_exhausted_;
  }
  std::size_t left() const { return left_; }
  Status Check() const {
    if (is_exhausted_) return InvalidInput("the template does more work than is allowed");
    return {};
  }
  Status Charge(std::size_t units) {
    Spend(units);
    return Check();
  }

 private:
  std::size_t left_;
  bool is_exhausted_ = false;
};

}  // namespace arena::jinja
