// What a training run is asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "train/settings.h"

namespace arena::train {

/// The content of a job file; docs/formats/training-job.md.
struct Job {
  TrainerKind trainer = TrainerKind::kSft;
  std::filesystem::path model;
  std::filesystem::path data;
  std::optional<std::filesystem::path> eval_data;
  std::optional<std::filesystem::path> reward_model;  ///< PPO needs it
  std::optional<std::filesystem::path> ptx_data;
  std::filesystem::path out;
  Settings settings;
  std::string hash;  ///< of the file's content: a run goes on only as the same job
};

/// Errors: a file that is no job, an unknown key or setting.
Result<Job> ReadJob(const std::filesystem::path& path);

}  // namespace arena::train
