#include "flywheel/internal/setup.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "flywheel/internal/mini_setup.h"
#include "flywheel/internal/own_setup.h"

namespace arena::flywheel_internal {

double SecondsSince(const Clock& clock, std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(clock.Steady() - start).count();
}

Status RunPart(const std::string& part, const Clock& clock, StateFile& state,
               FunctionRef<Result<Json>()> body) {
  if (state.IsDone(part)) return {};
  const auto start = clock.Steady();
  ARENA_ASSIGN_OR_RETURN(const Json facts, body());
  Json record = {{"seconds", SecondsSince(clock, start)}};
  record.update(facts);
  return state.Finish(part, std::move(record));
}

StageTrainer::OnProgress ReportTraining(const FlywheelParts& parts, const std::string& name) {
  return [&parts, name](const std::string& progress) {
    parts.on_progress(fmt::format("{}: training, {}", name, progress));
  };
}

Status SetUp(const FlywheelSettings& settings, const RunFolder& folder, const FlywheelParts& parts,
             StateFile& state) {
  for (const auto& path : {folder.root / "checkpoints", folder.root / "shards", folder.Data()}) {
    ARENA_RETURN_IF_ERROR(MakeFolder(path));
  }
  const auto set_up = HasOwnModels(settings) ? SetUpOwn : SetUpMini;
  return set_up(settings, folder, parts, state);
}

}  // namespace arena::flywheel_internal
