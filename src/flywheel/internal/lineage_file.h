// Where each checkpoint of a run comes from.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "chat/training_job.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/loop_settings.h"

namespace arena::flywheel_internal {

/// The part of the setup's state that trains a model.
std::string ModelPart(std::string_view model);

/// What the lineage says of a finished training, for the state of its stage: {"trainer", "from",
/// "out", "weights", "settings", "data", "reward_model"}, paths below the folder of the run,
/// weights and data by their hashes. Without data it is a checkpoint that was kept as it was.
Result<Json> DescribeTraining(const TrainingJobOptions& job, const RunFolder& folder);

/// Writes lineage.json: a checkpoint each training that the states of the run describe.
Status WriteLineage(const FlywheelSettings& settings, const RunFolder& folder,
                    const std::string& version);

}  // namespace arena::flywheel_internal
