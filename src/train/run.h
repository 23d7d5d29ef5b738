// A training run from its job file to the finished model.
#pragma once

#include <filesystem>

namespace arena::train {

/// Runs the job as the rank that the environment says (collective.h), tells `events_fd` what
/// happens (rank 0 only; docs/formats/training-job.md) and goes on from the newest checkpoint of
/// the same job. Returns the exit code: 0 done, 1 failed, 2 a job or a setting is wrong, 130
/// interrupted, with a checkpoint.
int RunTraining(const std::filesystem::path& job, int events_fd);

}  // namespace arena::train
