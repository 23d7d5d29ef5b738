// Rating instructions: how hard, how rich, how long.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/pool_item.h"

namespace arena {

/// Gives each instruction a number; larger is harder. Implementations live where what they ask
/// lives: curate/ and chat/. Not thread-safe.
class InstructionRater {
 public:
  virtual ~InstructionRater() = default;
  /// What it measures, and by whom, for manifests: "length", "difficulty by MODEL".
  virtual std::string name() const = 0;
  /// One rating for each item, in order; nothing where none could be had. An error ends the run.
  virtual Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) = 0;
};

}  // namespace arena
