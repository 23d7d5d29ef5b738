// The mini world as what a run starts from.
#pragma once

#include "base/result.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/state_file.h"
#include "flywheel/loop.h"

namespace arena::flywheel_internal {

/// Writes the world, cuts the shards and trains base and rivals, all that is not there yet.
Status SetUpMini(const FlywheelSettings& settings, const RunFolder& folder,
                 const FlywheelParts& parts, StateFile& state);

}  // namespace arena::flywheel_internal
