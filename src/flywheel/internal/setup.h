// What a run starts from: the test set, the shards, the target's base and the rivals.
#pragma once

#include <chrono>
#include <string>

#include "base/function_ref.h"
#include "base/json.h"
#include "base/result.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/state_file.h"
#include "flywheel/loop.h"

namespace arena::flywheel_internal {

/// Makes what is not there yet: test set, shards, what SFT-I0 learns, and the base; of the mini
/// world the rivals, too.
Status SetUp(const FlywheelSettings& settings, const RunFolder& folder, const FlywheelParts& parts,
             StateFile& state);

/// "NAME: training, step 10 of 100, loss 1.234" as progress.
StageTrainer::OnProgress ReportTraining(const FlywheelParts& parts, const std::string& name);

/// Does a part that is not done yet, and records what it says of itself with its seconds.
Status RunPart(const std::string& part, const Clock& clock, StateFile& state,
               FunctionRef<Result<Json>()> body);

/// Seconds since `start`.
double SecondsSince(const Clock& clock, std::chrono::steady_clock::time_point start);

}  // namespace arena::flywheel_internal
