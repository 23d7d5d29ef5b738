#include "flywheel/status.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/state_file.h"
#include "flywheel/loop_settings.h"

namespace arena {
namespace {

using flywheel_internal::RunFolder;
using flywheel_internal::StateFile;

using Ratings = std::map<std::string, StageRating, std::less<>>;

Ratings RatingsOf(const Json& evaluation) {
  Ratings ratings;
  for (const Json& row : evaluation.at("ratings")) {
    ratings[row.at("name").get<std::string>()] = {row.at("rating").get<double>(),
                                                  row.at("lower").get<double>(),
                                                  row.at("upper").get<double>()};
  }
  return ratings;
}

std::optional<StageRating> Find(const Ratings& ratings, const std::string& name) {
  const auto found = ratings.find(name);
  if (found == ratings.end()) return std::nullopt;
  return found->second;
}

std::vector<std::pair<std::string, double>> SecondsOf(const StateFile& state) {
  std::vector<std::pair<std::string, double>> seconds;
  const Json parts = state.Parts();
  for (const auto& [name, facts] : parts.items()) {
    seconds.emplace_back(name, facts.value("seconds", 0.0));
  }
  return seconds;
}

StageStatus StatusOf(const RunFolder& folder, const std::string& name, const StateFile& state) {
  StageStatus stage;
  stage.name = name;
  stage.done = state.IsDone("evaluate");
  stage.parts = SecondsOf(state);
  for (const auto& [part, seconds] : stage.parts) stage.seconds += seconds;
  if (state.IsDone("battle")) {
    const Json facts = state.Facts("battle");
    stage.instructions = facts.value("instructions", std::int64_t{0});
    stage.battles = facts.value("battles", std::int64_t{0});
    stage.target = facts.value("target", "");
  }
  if (state.IsDone("select"))
    stage.selected = state.Facts("select").value("selected", std::int64_t{0});
  if (stage.done) {
    const Json facts = state.Facts("evaluate");
    stage.exact_match = facts.value("exact_match", 0.0);
    stage.test_battles = facts.value("test_battles", std::int64_t{0});
    stage.fell = facts.value("fell", false);
  }
  if (state.IsDone("evaluate control")) {
    const Json facts = state.Facts("evaluate control");
    stage.control = {name + " control", std::nullopt, facts.value("exact_match", 0.0)};
    stage.test_battles += facts.value("test_battles", std::int64_t{0});
  }
  for (const char* part : {"reward model", "train"}) {
    if (state.IsDone(part)) {
      stage.trainings.push_back(folder.root / state.Facts(part).value("out", ""));
    }
  }
  return stage;
}

Json RatingJson(const std::string& name, const std::optional<StageRating>& rating) {
  Json json = {{"name", name}, {"rating", nullptr}, {"lower", nullptr}, {"upper", nullptr}};
  if (rating) {
    json["rating"] = rating->rating;
    json["lower"] = rating->lower;
    json["upper"] = rating->upper;
  }
  return json;
}

Result<Json> ReadManifest(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.Manifest())) {
    return NotFound(
        fmt::format("{} holds no flywheel run; `arena flywheel run --workdir {}` "
                    "begins one",
                    folder.root.string(), folder.root.string()));
  }
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder.Manifest()));
  return ParseJson(text);
}

}  // namespace

Result<FlywheelStatus> ReadFlywheelStatus(const std::filesystem::path& folder) {
  const RunFolder run{folder};
  ARENA_ASSIGN_OR_RETURN(const Json manifest, ReadManifest(run));
  FlywheelSettings settings;  // only what names the stages
  settings.iterations = manifest.at("settings").value("iterations", settings.iterations);
  settings.stages = manifest.at("settings").value("stages", settings.stages);
  FlywheelStatus status;
  ARENA_ASSIGN_OR_RETURN(const auto setup, StateFile::Open(run.State(), "setup"));
  status.setup = SecondsOf(*setup);
  Ratings ratings;
  for (const StagePlan& plan : PlanStages(settings)) {
    ARENA_ASSIGN_OR_RETURN(const auto state, StateFile::Open(run.State(), plan.name));
    status.stages.push_back(StatusOf(run, plan.name, *state));
    if (state->IsDone("evaluate")) ratings = RatingsOf(state->Facts("evaluate"));
  }
  for (StageStatus& stage : status.stages) {
    stage.rating = Find(ratings, stage.name);
    if (stage.control) stage.control->rating = Find(ratings, stage.control->name);
  }
  for (const Json& rival : manifest.at("settings").at("rivals")) {
    const auto name = rival.get<std::string>();
    status.rivals.emplace_back(name, Find(ratings, name));
  }
  return status;
}

Json FlywheelStatusJson(const FlywheelStatus& status) {
  Json stages = Json::array();
  for (const StageStatus& stage : status.stages) {
    Json json = RatingJson(stage.name, stage.rating);
    json["exact_match"] = stage.exact_match ? Json(*stage.exact_match) : Json();
    json["selected"] = stage.selected;
    json["battles"] = stage.battles;
    json["seconds"] = stage.seconds;
    json["done"] = stage.done;
    if (stage.control) {
      json["control"] = RatingJson(stage.control->name, stage.control->rating);
      json["control"]["exact_match"] = *stage.control->exact_match;
    }
    stages.push_back(std::move(json));
  }
  Json rivals = Json::array();
  for (const auto& [name, rating] : status.rivals) rivals.push_back(RatingJson(name, rating));
  return {{"stages", std::move(stages)}, {"rivals", std::move(rivals)}};
}

Result<Json> ReadLineage(const std::filesystem::path& folder) {
  const RunFolder run{folder};
  ARENA_ASSIGN_OR_RETURN(const Json manifest, ReadManifest(run));
  if (!std::filesystem::exists(run.Lineage())) {
    return NotFound(fmt::format("{}: no stage is finished yet", folder.string()));
  }
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(run.Lineage()));
  return ParseJson(text);
}

}  // namespace arena
