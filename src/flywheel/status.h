// Where a flywheel run is, read from its folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace arena {

/// A rating with its interval; the rivals' mean is 1000.
struct StageRating {
  double rating = 0;
  double lower = 0;
  double upper = 0;
};

/// The control of a stage: trained from the same checkpoint and data, without the preference or
/// reward term.
struct ControlStatus {
  std::string name;  ///< "DPO-I1 control"
  std::optional<StageRating> rating;
  std::optional<double> exact_match;
};

struct StageStatus {
  std::string name;
  bool done = false;
  bool fell = false;   ///< rates below the one it was trained from, beyond its interval
  std::string target;  ///< the stage that battles and is trained; empty: not known yet
  std::optional<ControlStatus> control = std::nullopt;
  std::optional<StageRating> rating;  ///< from the last evaluation of the run, with all others
  std::optional<double> exact_match;  ///< share of the test instructions, 0 to 1
  std::int64_t instructions = 0;      ///< of the shard
  std::int64_t selected = 0;          ///< of them, by the battles of the target
  std::int64_t battles = 0;           ///< on the shard
  std::int64_t test_battles = 0;      ///< of its checkpoint on the test set
  double seconds = 0;
  std::vector<std::pair<std::string, double>> parts;  ///< finished ones, with their seconds
  std::vector<std::filesystem::path> trainings;       ///< folders of checkpoints with metrics.jsonl
};

struct FlywheelStatus {
  std::vector<StageStatus> stages;  ///< all, in order, also those to come
  std::vector<std::pair<std::string, std::optional<StageRating>>> rivals;
  std::vector<std::pair<std::string, double>> setup;  ///< finished parts, with their seconds
};

/// May be called while the run goes on. Errors: a folder without a run, damaged files.
Result<FlywheelStatus> ReadFlywheelStatus(const std::filesystem::path& folder);

/// {"stages": [{"name", "rating", "lower", "upper", "exact_match", "selected", "battles",
/// "seconds", "done"}], "rivals": [{"name", "rating", "lower", "upper"}]}; null: not known yet.
Json FlywheelStatusJson(const FlywheelStatus& status);

/// lineage.json of the run. Error: no checkpoint has been trained yet.
Result<Json> ReadLineage(const std::filesystem::path& folder);

}  // namespace arena
