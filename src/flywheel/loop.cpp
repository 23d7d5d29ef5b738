#include "flywheel/loop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "flywheel/internal/evaluation.h"
#include "flywheel/internal/lineage_file.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/setup.h"
#include "flywheel/internal/shard_battles.h"
#include "flywheel/internal/stage.h"
#include "flywheel/internal/state_file.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using flywheel_internal::RunContext;
using flywheel_internal::RunFolder;
using flywheel_internal::StateFile;

Json ManifestOf(const FlywheelSettings& settings, const Judge& judge) {
  return {{"settings", FlywheelSettingsJson(settings)},
          {"judge", {{"name", judge.identity().name}, {"behaviour", judge.identity().behaviour}}}};
}

// The settings whose values differ. One that the run was begun without is new, and was what it is
// by default.
std::vector<std::string> Differences(const Json& before, const Json& now) {
  Json known = FlywheelSettingsJson({});
  known.update(before);
  std::vector<std::string> names;
  for (const auto& [key, value] : now.items()) {
    if (!known.contains(key) || known.at(key) != value) names.push_back(key);
  }
  return names;
}

// Writes what the run is, or checks that it is the one that was begun here.
Status CheckManifest(const RunFolder& folder, const Json& manifest) {
  if (!fs::exists(folder.Manifest())) {
    return WriteFileAtomic(folder.Manifest(), DumpJson(manifest, 2) + "\n");
  }
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder.Manifest()));
  const auto before = ParseJson(text);
  if (!before.ok() || !before->is_object() || !before->contains("settings") ||
      !before->at("settings").is_object()) {
    return InvalidInput(
        fmt::format("{}: is no manifest of a flywheel run", folder.Manifest().string()));
  }
  std::vector<std::string> names = Differences(before->at("settings"), manifest.at("settings"));
  if (before->value("judge", Json()) != manifest.at("judge")) names.emplace_back("judge");
  if (names.empty()) return {};
  return InvalidInput(fmt::format(
      "{} holds a run with other settings ({}): take another folder, or the settings of {}",
      folder.root.string(), fmt::join(names, ", "), folder.Manifest().string()));
}

Status LoadContext(RunContext& context) {
  const RunFolder& folder = context.folder;
  ARENA_ASSIGN_OR_RETURN(context.battles, OpenStore(folder.ShardStore(), {}));
  ARENA_ASSIGN_OR_RETURN(context.tests, OpenStore(folder.TestStore(), {}));
  ARENA_ASSIGN_OR_RETURN(context.test_instructions, flywheel_internal::ReadShard(folder.TestSet()));
  for (const Instruction& instruction : context.test_instructions) {
    context.test_set.Add(instruction.conversation);
  }
  if (HasOwnModels(context.settings)) {
    context.rivals = context.parts.rivals;
    return {};
  }
  for (const std::string& rival : context.settings.rivals) {
    ARENA_ASSIGN_OR_RETURN(auto model, context.parts.server.Serve(
                                           {.name = rival,
                                            .checkpoint = folder.Checkpoint(rival),
                                            .max_new_tokens = context.settings.max_new_tokens}));
    context.rivals.push_back(model.get());
    context.mini_rivals.push_back(std::move(model));
  }
  return {};
}

Status RunAll(const FlywheelSettings& settings, const RunFolder& folder,
              const FlywheelParts& parts) {
  ARENA_RETURN_IF_ERROR(MakeFolder(folder.State()));
  ARENA_ASSIGN_OR_RETURN(const FolderLock lock,
                         FolderLock::Take(folder.root, std::chrono::seconds(5)));
  ARENA_RETURN_IF_ERROR(CheckManifest(folder, ManifestOf(settings, parts.judge)));
  ARENA_ASSIGN_OR_RETURN(const auto setup, StateFile::Open(folder.State(), "setup"));
  ARENA_RETURN_IF_ERROR(flywheel_internal::SetUp(settings, folder, parts, *setup));
  RunContext context{.settings = settings,
                     .folder = folder,
                     .parts = parts,
                     .stages = PlanStages(settings),
                     .battles = nullptr,
                     .tests = nullptr,
                     .test_set = {},
                     .test_instructions = {}};
  ARENA_RETURN_IF_ERROR(LoadContext(context));
  for (std::size_t i = 0; i < context.stages.size(); ++i) {
    if (Interrupted()) return Cancelled("stopped by the user");
    ARENA_ASSIGN_OR_RETURN(const auto state,
                           StateFile::Open(folder.State(), context.stages[i].name));
    ARENA_ASSIGN_OR_RETURN(const bool goes_on, flywheel_internal::RunStage(context, i, *state));
    ARENA_RETURN_IF_ERROR(flywheel_internal::WriteLineage(settings, folder, parts.version));
    if (!goes_on) break;
  }
  return {};
}

}  // namespace

Status RunFlywheel(const FlywheelSettings& settings, const fs::path& folder,
                   const FlywheelParts& parts) {
  ARENA_RETURN_IF_ERROR(CheckFlywheelSettings(settings));
  std::mutex mutex;
  FlywheelParts serial = parts;
  serial.on_progress = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    parts.on_progress(line);
  };
  return RunAll(settings, RunFolder{fs::absolute(folder)}, serial);
}

}  // namespace arena
