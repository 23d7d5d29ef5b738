// Saying what is unsafe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena {

/// Judges texts. Implementations live where what they ask lives: chat/. Not thread-safe.
class Moderator {
 public:
  virtual ~Moderator() = default;
  /// Why each text is unsafe, in a few words ("violence, hate"); empty: it is not.
  virtual Result<std::vector<std::string>> Check(std::span<const std::string_view> texts) = 0;
};

}  // namespace arena
