#include "flywheel/internal/lineage_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "flywheel/internal/state_file.h"
#include "miniworld/training_sets.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

// A model of the setup, if this run has it.
Result<Json> BaseEntry(const FlywheelSettings& settings, const RunFolder& folder,
                       const mini::TrainingSet& set) {
  const std::string name(set.name);
  ARENA_ASSIGN_OR_RETURN(const std::string weights,
                         ReadFile(folder.Checkpoint(name) / "model.safetensors"));
  const std::string file = "world/data/" + name + ".jsonl";
  ARENA_ASSIGN_OR_RETURN(const std::string data, ReadFile(folder.root / file));
  Json entry = {{"name", name}, {"parent", nullptr}, {"trainer", "sft"}};
  if (!set.parent.empty()) entry["parent"] = set.parent;
  entry["weights"] = HashBytes(weights).Hex();
  entry["settings"] = TrainingSettingsFor(settings, name);
  entry["data"] = Json::array({{{"file", file}, {"use", "data"}, {"hash", HashBytes(data).Hex()}}});
  return entry;
}

Json StageEntry(const Json& facts) {
  const auto name_of = [](const Json& path) {
    return fs::path(path.get<std::string>()).filename().string();
  };
  Json entry = {{"name", name_of(facts.at("out"))},
                {"parent", name_of(facts.at("from"))},
                {"trainer", facts.at("trainer")}};
  if (facts.contains("reward_model")) entry["reward_model"] = name_of(facts.at("reward_model"));
  for (const char* member : {"weights", "settings", "data"}) entry[member] = facts.at(member);
  return entry;
}

}  // namespace

Status WriteLineage(const FlywheelSettings& settings, const RunFolder& folder,
                    const std::string& version) {
  Json checkpoints = Json::array();
  for (const mini::TrainingSet& set : mini::TrainingSets()) {
    if (!fs::exists(folder.Checkpoint(std::string(set.name)))) continue;
    ARENA_ASSIGN_OR_RETURN(Json entry, BaseEntry(settings, folder, set));
    checkpoints.push_back(std::move(entry));
  }
  for (const StagePlan& stage : PlanStages(settings)) {
    ARENA_ASSIGN_OR_RETURN(const auto state, StateFile::Open(folder.State(), stage.name));
    for (const char* part : {"reward model", "train", "train control"}) {
      if (state->IsDone(part)) checkpoints.push_back(StageEntry(state->Facts(part)));
    }
  }
  const Json lineage = {
      {"version", version}, {"seed", settings.seed}, {"checkpoints", std::move(checkpoints)}};
  return WriteFileAtomic(folder.Lineage(), DumpJson(lineage, 2) + "\n");
}

}  // namespace arena::flywheel_internal
