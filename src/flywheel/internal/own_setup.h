// The user's checkpoint and instructions as what a run starts from.
#pragma once

#include "base/result.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/state_file.h"
#include "flywheel/loop.h"

namespace arena::flywheel_internal {

/// Draws the test set and the shards by the seed, without what the test set asks, joins the files
/// that SFT-I0 learns, and points to the checkpoints. Errors: too few instructions; a base that is
/// no folder of a model.
Status SetUpOwn(const FlywheelSettings& settings, const RunFolder& folder,
                const FlywheelParts& parts, StateFile& state);

}  // namespace arena::flywheel_internal
