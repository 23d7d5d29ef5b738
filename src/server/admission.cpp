#include "server/admission.h"

#include <algorithm>

namespace arena {

bool Admission::Enter(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  if (count > limit() - open_) return false;
  open_ += count;
  return true;
}

void Admission::Leave(std::int64_t count) {
  // Notified under the lock: who waits may be about to destroy the object.
  const std::lock_guard lock(mutex_);
  open_ -= count;
  if (open_ == 0) empty_.notify_all();
}

std::int64_t Admission::running() const {
  const std::lock_guard lock(mutex_);
  return std::min(open_, places_);
}

std::int64_t Admission::waiting() const {
  const std::lock_guard lock(mutex_);
  return std::max<std::int64_t>(open_ - places_, 0);
}

bool Admission::WaitUntilEmpty(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, timeout, [this] { return open_ == 0; });
}

}  // namespace arena
