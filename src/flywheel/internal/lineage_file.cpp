#include "flywheel/internal/lineage_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file.h"
#include "flywheel/internal/model_files.h"
#include "flywheel/internal/state_file.h"
#include "miniworld/training_sets.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

std::string Below(const RunFolder& folder, const fs::path& path) {
  return path.lexically_relative(folder.root).generic_string();
}

Json CheckpointEntry(const Json& facts) {
  const auto name_of = [](const Json& path) {
    return fs::path(path.get<std::string>()).filename().string();
  };
  Json entry = {{"name", name_of(facts.at("out"))}, {"parent", nullptr}};
  // What was given has no parent, and the random weights that all begin with are no checkpoint.
  if (facts.value("from", "world/model") != "world/model")
    entry["parent"] = name_of(facts.at("from"));
  entry["trainer"] = facts.at("trainer");
  if (facts.contains("reward_model")) entry["reward_model"] = name_of(facts.at("reward_model"));
  for (const char* member : {"weights", "settings", "data"}) entry[member] = facts.at(member);
  return entry;
}

// What the parts of a state that have made a checkpoint say of it, in the order of `parts`.
Status AddCheckpoints(const RunFolder& folder, const std::string& state_name,
                      const std::vector<std::string>& parts, Json& checkpoints) {
  ARENA_ASSIGN_OR_RETURN(const auto state, StateFile::Open(folder.State(), state_name));
  for (const std::string& part : parts) {
    const Json facts = state->Facts(part);
    if (facts.contains("out")) checkpoints.push_back(CheckpointEntry(facts));
  }
  return {};
}

}  // namespace

std::string ModelPart(std::string_view model) { return fmt::format("model {}", model); }

Result<Json> DescribeTraining(const TrainingJobOptions& job, const RunFolder& folder) {
  Json data = Json::array();
  for (const auto* files : {&job.data, &job.ptx_data}) {
    for (const fs::path& file : *files) {
      ARENA_ASSIGN_OR_RETURN(const Key hash, HashFile(file));
      data.push_back({{"file", Below(folder, file)},
                      {"use", files == &job.data ? "data" : "ptx"},
                      {"hash", hash.Hex()}});
    }
  }
  ARENA_ASSIGN_OR_RETURN(const Key weights, HashModel(job.out));
  const bool is_kept = job.data.empty();
  Json facts = {{"trainer", is_kept ? "none: too little was selected" : TrainerName(job.trainer)},
                {"from", Below(folder, job.model)},
                {"out", Below(folder, job.out)},
                {"weights", weights.Hex()},
                {"settings", job.settings},
                {"data", std::move(data)}};
  if (is_kept) facts["kept"] = true;
  if (!job.reward_model.empty()) facts["reward_model"] = Below(folder, job.reward_model);
  return facts;
}

Status WriteLineage(const FlywheelSettings& settings, const RunFolder& folder,
                    const std::string& version) {
  Json checkpoints = Json::array();
  std::vector<std::string> models;  // they are trained side by side
  for (const mini::TrainingSet& set : mini::TrainingSets()) models.push_back(ModelPart(set.name));
  models.push_back(ModelPart("reward-base"));
  ARENA_RETURN_IF_ERROR(AddCheckpoints(folder, "setup", models, checkpoints));
  for (const StagePlan& stage : PlanStages(settings)) {
    ARENA_RETURN_IF_ERROR(AddCheckpoints(folder, stage.name,
                                         {"reward model", "train", "train control"}, checkpoints));
  }
  const Json lineage = {
      {"version", version}, {"seed", settings.seed}, {"checkpoints", std::move(checkpoints)}};
  return WriteFileAtomic(folder.Lineage(), DumpJson(lineage, 2) + "\n");
}

}  // namespace arena::flywheel_internal
