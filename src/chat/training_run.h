// The processes of a training: `arena-lm train JOB`, once for each rank.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/function_ref.h"
#include "base/json.h"
#include "base/result.h"

namespace arena {

struct TrainingRunOptions {
  std::string program = {};          ///< arena-lm; empty: beside this program
  std::filesystem::path job;         ///< job.json
  std::filesystem::path log_folder;  ///< of what the ranks write to stderr: rank-N.log, appended
  /// Ranks to start on this machine, joined over the loopback address.
  unsigned ranks = 1;
  /// Not -1: this process is this rank of a launcher's, which has set RANK, WORLD_SIZE and the
  /// rest; one rank is started with that environment.
  int launched_rank = -1;
};

struct TrainingRunEnd {
  bool interrupted = false;  ///< by Ctrl-C; a checkpoint was saved
  std::int64_t step = 0;     ///< the last one that was reported
};

/// One JSON object of rank 0: {"type": "start" | "step" | "saved" | "eval" | "warning" | "done" |
/// "error", ...}; docs/formats/training-job.md.
using TrainingEventSink = FunctionRef<void(const Json& event)>;

/// Starts the ranks, hands their events on and waits for their end. Ctrl-C is passed on to them.
/// When a rank fails the others get half a minute to end by themselves. Errors: InvalidInput where
/// the trainer says that the settings are wrong; for a rank that failed or died, which one, how and
/// its last words.
Result<TrainingRunEnd> RunTraining(const TrainingRunOptions& options, TrainingEventSink sink);

}  // namespace arena
