// Where each checkpoint of a run comes from.
#pragma once

#include <string>

#include "base/result.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/loop_settings.h"

namespace arena::flywheel_internal {

/// Writes lineage.json: every checkpoint with its parent, trainer, data files and their hashes,
/// settings and seed. docs/flywheel.md.
Status WriteLineage(const FlywheelSettings& settings, const RunFolder& folder,
                    const std::string& version);

}  // namespace arena::flywheel_internal
