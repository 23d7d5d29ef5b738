// Rows of earlier stages that are learned again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace arena::flywheel_internal {

struct ReplayDraw {
  std::filesystem::path rows_of;  ///< the new rows
  double ratio = 0;               ///< of earlier rows to new ones
  std::uint64_t seed = 1;
};

/// Draws from the lines of `earlier` as many as the ratio says, or all if there are fewer, and
/// writes them to `out` in their order.
Status WriteReplay(const std::vector<std::filesystem::path>& earlier, const ReplayDraw& draw,
                   const std::filesystem::path& out);

}  // namespace arena::flywheel_internal
