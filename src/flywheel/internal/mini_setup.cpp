#include "flywheel/internal/mini_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "flywheel/internal/lineage_file.h"
#include "flywheel/internal/model_files.h"
#include "flywheel/internal/setup.h"
#include "miniworld/training_sets.h"
#include "miniworld/write_world.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

Result<std::vector<mini::Family>> FamiliesOf(const FlywheelSettings& settings) {
  std::vector<mini::Family> families;
  for (const std::string& name : settings.families) {
    ARENA_ASSIGN_OR_RETURN(const mini::Family family, mini::ParseFamily(name));
    families.push_back(family);
  }
  if (!families.empty()) return families;
  for (const mini::Family family : mini::AllFamilies()) {
    if (settings.graded || !mini::IsGraded(family)) families.push_back(family);
  }
  return families;
}

// Whole or not at all: it is written beside its place.
Status MakeWorld(const FlywheelSettings& settings, const RunFolder& folder) {
  mini::WorldOptions world;
  world.seed = settings.seed;
  world.train = 0;
  for (const StagePlan& stage : PlanStages(settings)) {
    world.train += static_cast<std::size_t>(stage.prompts);
  }
  world.test = static_cast<std::size_t>(settings.test_prompts);
  world.dev = world.test;
  world.scale = settings.scale;
  ARENA_ASSIGN_OR_RETURN(world.families, FamiliesOf(settings));
  const fs::path beside = folder.root / "world.tmp";
  std::error_code error;
  fs::remove_all(beside, error);
  fs::remove_all(folder.World(), error);
  ARENA_ASSIGN_OR_RETURN(const auto files, mini::WriteWorld(world, beside));
  fs::rename(beside, folder.World(), error);
  if (error) return IoError(fmt::format("{}: {}", folder.World().string(), error.message()));
  return {};
}

Status CutShards(const FlywheelSettings& settings, const RunFolder& folder) {
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder.World() / "train.jsonl"));
  std::size_t begin = 0;
  for (const StagePlan& stage : PlanStages(settings)) {
    std::size_t end = begin;
    for (std::int64_t i = 0; i < stage.prompts; ++i) end = text.find('\n', end) + 1;
    if (stage.prompts > 0) {
      ARENA_RETURN_IF_ERROR(WriteFileAtomic(folder.Shard(stage.shard),
                                            std::string_view(text).substr(begin, end - begin)));
    }
    begin = end;
  }
  const char* const split = settings.evaluate_on_dev ? "dev.jsonl" : "test.jsonl";
  ARENA_ASSIGN_OR_RETURN(const std::string test, ReadFile(folder.World() / split));
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(folder.TestSet(), test));
  ARENA_ASSIGN_OR_RETURN(const std::string start,
                         ReadFile(folder.World() / "data" / "start.jsonl"));
  return WriteFileAtomic(folder.Data("SFT-I0"), start);
}

/// A model of the setup.
struct BaseModel {
  std::string name;
  fs::path parent;
  fs::path data;
  fs::path out;
  std::vector<std::string> settings;
};

/// Trains the models of the setup, or takes them from the cache.
class Models {
 public:
  Models(const FlywheelSettings& settings, const RunFolder& folder, const FlywheelParts& parts,
         StateFile& state)
      : settings_(settings), folder_(folder), parts_(parts), state_(state) {}

  // Parents first; models of one wave do not depend on each other.
  Status TrainAll() {
    ARENA_RETURN_IF_ERROR(TrainWave({"base", "generalist"}));
    std::vector<std::string> specialists;
    for (const std::string& rival : settings_.rivals) {
      if (rival != "generalist") specialists.push_back(rival);
    }
    return TrainWave(specialists);
  }

 private:
  Status TrainWave(const std::vector<std::string>& names) {
    std::vector<Status> results(names.size());
    ParallelFor(names.size(), settings_.workers,
                [&](std::size_t i) { results[i] = Obtain(names[i]); });
    for (Status& result : results) ARENA_RETURN_IF_ERROR(std::move(result));
    return {};
  }

  BaseModel Describe(const std::string& name) const {
    const auto sets = mini::TrainingSets();
    const auto set =
        std::find_if(sets.begin(), sets.end(), [&](const auto& s) { return s.name == name; });
    BaseModel model;
    model.name = name;
    model.parent = set->parent.empty() ? folder_.World() / "model"
                                       : folder_.Checkpoint(std::string(set->parent));
    model.data = folder_.World() / "data" / (name + ".jsonl");
    model.out = folder_.Checkpoint(name);
    model.settings = TrainingSettingsFor(settings_, name);
    return model;
  }

  // What the model is a function of.
  Result<Key> KeyOf(const BaseModel& model) const {
    KeyBuilder key("model of the setup");
    for (const fs::path& file : {model.data, model.parent / "model.safetensors",
                                 model.parent / "tokenizer.json", model.parent / "config.json"}) {
      ARENA_ASSIGN_OR_RETURN(const Key hash, HashFile(file));
      key.Add(hash);
    }
    for (const std::string& setting : model.settings) key.Add(setting);
    return key.Add(parts_.version).Build();
  }

  Status Obtain(const std::string& name) {
    const std::string part = ModelPart(name);
    if (state_.IsDone(part)) return {};
    const BaseModel model = Describe(name);
    const auto start = parts_.clock.Steady();
    std::optional<fs::path> cached;
    if (!settings_.cache.empty()) {
      ARENA_ASSIGN_OR_RETURN(const Key key, KeyOf(model));
      cached = settings_.cache / key.Hex();
    }
    const bool found = cached && fs::exists(*cached);
    if (found) {
      ARENA_RETURN_IF_ERROR(CopyModel(*cached, model.out));
    } else {
      ARENA_RETURN_IF_ERROR(Train(model));
      if (cached) {
        ARENA_RETURN_IF_ERROR(MakeFolder(settings_.cache));
        ARENA_RETURN_IF_ERROR(CopyModel(model.out, *cached));
      }
    }
    Json facts = {{"seconds", SecondsSince(parts_.clock, start)}, {"from_cache", found}};
    ARENA_ASSIGN_OR_RETURN(const Json training, DescribeTraining(JobOf(model), folder_));
    facts.update(training);
    return state_.Finish(part, std::move(facts));
  }

  static TrainingJobOptions JobOf(const BaseModel& model) {
    TrainingJobOptions job;
    job.model = model.parent;
    job.out = model.out;
    job.data = {model.data};
    job.settings = model.settings;
    return job;
  }

  Status Train(const BaseModel& model) {
    StageTraining training;
    training.name = model.name;
    training.job = JobOf(model);
    return parts_.trainer.Train(training, ReportTraining(parts_, model.name));
  }

  const FlywheelSettings& settings_;
  const RunFolder& folder_;
  const FlywheelParts& parts_;
  StateFile& state_;
};

}  // namespace

Status SetUpMini(const FlywheelSettings& settings, const RunFolder& folder,
                 const FlywheelParts& parts, StateFile& state) {
  if (!state.IsDone("world")) {
    const auto start = parts.clock.Steady();
    parts.on_progress("setup: writing the mini world");
    ARENA_RETURN_IF_ERROR(MakeWorld(settings, folder));
    ARENA_RETURN_IF_ERROR(CutShards(settings, folder));
    ARENA_RETURN_IF_ERROR(state.Finish("world", {{"seconds", SecondsSince(parts.clock, start)}}));
  }
  return Models(settings, folder, parts, state).TrainAll();
}

}  // namespace arena::flywheel_internal
