#include "flywheel/loop_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "flywheel/internal/paths_json.h"

namespace arena {
namespace {

constexpr std::array<std::string_view, 3> kStages = {"sft", "dpo", "ppo"};
constexpr std::array<std::string_view, 4> kRivals = {"generalist", "math", "letters", "words"};
constexpr std::array<std::string_view, 11> kTrained = {
    "all", "base", "generalist", "math", "letters", "words", "start", "sft", "dpo", "rm", "ppo"};

template <std::size_t N>
Status CheckName(std::string_view what, std::string_view name,
                 const std::array<std::string_view, N>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  return InvalidInput(
      fmt::format("flywheel.{}: \"{}\" is unknown; known: {}", what, name, fmt::join(known, ", ")));
}

// Names that are known, each once.
template <std::size_t N>
Status CheckList(std::string_view what, const std::vector<std::string>& names,
                 const std::array<std::string_view, N>& known) {
  if (names.empty()) return InvalidInput(fmt::format("flywheel.{}: name one at least", what));
  for (const std::string& name : names) {
    ARENA_RETURN_IF_ERROR(CheckName(what, name, known));
    if (std::count(names.begin(), names.end(), name) > 1) {
      return InvalidInput(fmt::format("flywheel.{}: {} is there twice", what, name));
    }
  }
  return {};
}

// A control that has no other term left would learn nothing.
Status CheckControls(const FlywheelSettings& settings) {
  const auto check = [&](const char* stage, const char* weight) -> Status {
    const bool is_there = std::count(settings.stages.begin(), settings.stages.end(), stage) > 0;
    if (!is_there || TrainingNumber(settings, stage, weight, 0) > 0) return {};
    return InvalidInput(
        fmt::format("flywheel.controls: the control of {0} would learn nothing; set {1} above 0 in "
                    "[flywheel.training.{0}]",
                    stage, weight));
  };
  if (!settings.controls) return {};
  ARENA_RETURN_IF_ERROR(check("dpo", "sft_weight"));
  return check("ppo", "ptx_weight");
}

Status CheckChoice(const FlywheelSettings& settings) {
  if (settings.select_size < 0) return InvalidInput("flywheel.select_size must be at least 0");
  if (settings.select_by != SelectionRule::kBattles && settings.select_size == 0) {
    return InvalidInput(fmt::format("flywheel.select_by = \"{}\" needs flywheel.select_size",
                                    SelectionRuleName(settings.select_by)));
  }
  if (settings.replay && !(*settings.replay >= 0)) {
    return InvalidInput("flywheel.replay must be \"all\", \"none\" or a ratio of at least 0");
  }
  return {};
}

Status CheckMini(const FlywheelSettings& settings) {
  if (!(settings.scale > 0)) return InvalidInput("flywheel.scale must be above 0");
  return CheckList("rivals", settings.rivals, kRivals);
}

Status CheckOwnModels(const FlywheelSettings& settings) {
  if (settings.test_files.empty()) {
    return InvalidInput("flywheel.base needs flywheel.test = [\"FILE\"], what ratings are made on");
  }
  if (settings.rivals.empty()) {
    return InvalidInput(
        "flywheel.base needs a [[contestant]] at least: whom does the target meet?");
  }
  if (settings.evaluate_on_dev) {
    return InvalidInput(
        "flywheel.evaluate_on is of the mini world; name the files in flywheel.test");
  }
  if (settings.select_by == SelectionRule::kTags && settings.score_files.empty()) {
    return InvalidInput(
        "flywheel.select_by = \"tags\" needs flywheel.scores = [\"FILE\"], the instructions with "
        "their tags; `arena score --add tags` makes such a file");
  }
  for (const StagePlan& stage : PlanStages(settings)) {
    if (std::count(settings.rivals.begin(), settings.rivals.end(), stage.name) == 0) continue;
    return InvalidInput(
        fmt::format("the contestant {} has the name of a stage: rename it", stage.name));
  }
  return {};
}

}  // namespace

double TrainingNumber(const FlywheelSettings& settings, const std::string& what,
                      const std::string& key, double otherwise) {
  for (const std::string& table : {what, std::string("all")}) {
    const auto values = settings.training.find(table);
    if (values == settings.training.end()) continue;
    const auto found = values->second.find(key);
    if (found != values->second.end()) return std::strtod(found->second.c_str(), nullptr);
  }
  return otherwise;
}

std::string_view RegressionRuleName(RegressionRule rule) {
  switch (rule) {
    case RegressionRule::kKeep:
      return "keep";
    case RegressionRule::kRollBack:
      return "roll-back";
    case RegressionRule::kStop:
      return "stop";
  }
  return "";
}

std::optional<RegressionRule> ParseRegressionRule(std::string_view name) {
  for (const RegressionRule rule :
       {RegressionRule::kKeep, RegressionRule::kRollBack, RegressionRule::kStop}) {
    if (RegressionRuleName(rule) == name) return rule;
  }
  return std::nullopt;
}

Status CheckFlywheelSettings(const FlywheelSettings& settings) {
  const std::array<std::pair<std::string_view, std::int64_t>, 6> counts = {
      {{"iterations", settings.iterations},
       {"sft_prompts", settings.sft_prompts},
       {"dpo_prompts", settings.dpo_prompts},
       {"ppo_prompts", settings.ppo_prompts},
       {"test_prompts", settings.test_prompts},
       {"max_new_tokens", settings.max_new_tokens}}};
  for (const auto& [name, count] : counts) {
    if (count < 1) return InvalidInput(fmt::format("flywheel.{} must be at least 1", name));
  }
  if (settings.own_samples < 0 || settings.own_samples > 64) {
    return InvalidInput("flywheel.own_samples must be from 0 to 64");
  }
  if (settings.workers < 1 || settings.workers > 1024) {
    return InvalidInput("flywheel.workers must be from 1 to 1024");
  }
  if (!(settings.max_failures >= 0)) {
    return InvalidInput("flywheel.max_failures must be at least 0");
  }
  ARENA_RETURN_IF_ERROR(CheckList("stages", settings.stages, kStages));
  ARENA_RETURN_IF_ERROR(HasOwnModels(settings) ? CheckOwnModels(settings) : CheckMini(settings));
  ARENA_RETURN_IF_ERROR(CheckChoice(settings));
  ARENA_RETURN_IF_ERROR(CheckControls(settings));
  for (const auto& [name, ignored] : settings.training) {
    ARENA_RETURN_IF_ERROR(CheckName("training", name, kTrained));
  }
  return {};
}

Json FlywheelSettingsJson(const FlywheelSettings& settings) {
  Json training = Json::object();
  for (const auto& [name, pairs] : settings.training) {
    training[name] = Json::object();
    for (const auto& [key, value] : pairs) training[name][key] = value;
  }
  Json json = {{"seed", settings.seed},
               {"iterations", settings.iterations},
               {"sft_prompts", settings.sft_prompts},
               {"dpo_prompts", settings.dpo_prompts},
               {"ppo_prompts", settings.ppo_prompts},
               {"test_prompts", settings.test_prompts},
               {"evaluate_on", settings.evaluate_on_dev ? "dev" : "test"},
               {"k", settings.k},
               {"pair_k", settings.pair_k},
               {"min_score", settings.min_score},
               {"stages", settings.stages},
               {"select_by", SelectionRuleName(settings.select_by)},
               {"select_size", settings.select_size},
               {"replay", settings.replay ? Json(*settings.replay) : Json("all")},
               {"on_regression", RegressionRuleName(settings.on_regression)},
               {"controls", settings.controls},
               {"own_samples", settings.own_samples},
               {"max_new_tokens", settings.max_new_tokens},
               {"rivals", settings.rivals},
               {"training", std::move(training)}};
  if (HasOwnModels(settings)) {
    json["base"] = settings.base.string();
    json["reward_base"] = settings.reward_base.string();
    json["start"] = flywheel_internal::PathsJson(settings.start);
    json["test"] = flywheel_internal::PathsJson(settings.test_files);
    json["scores"] = flywheel_internal::PathsJson(settings.score_files);
  } else {
    json["families"] = settings.families;
    json["graded"] = settings.graded;
    json["scale"] = settings.scale;
  }
  return json;
}

std::vector<std::string> TrainingSettingsFor(const FlywheelSettings& settings,
                                             const std::string& what) {
  TrainingSettings merged;
  if (what == "dpo control") merged = {{"beta", "0"}};
  if (what == "ppo control") merged = {{"policy_weight", "0"}};
  const std::string stage = what.substr(0, what.find(' '));
  if (const auto own = settings.training.find(stage); own != settings.training.end()) {
    merged.insert(own->second.begin(), own->second.end());
  }
  if (const auto all = settings.training.find("all"); all != settings.training.end()) {
    merged.insert(all->second.begin(), all->second.end());
  }
  merged.emplace("seed", std::to_string(settings.seed));
  std::vector<std::string> pairs;
  for (const auto& [key, value] : merged) pairs.push_back(fmt::format("{}={}", key, value));
  return pairs;
}

std::vector<StagePlan> PlanStages(const FlywheelSettings& settings) {
  struct Step {
    std::string_view prefix;
    StageKind kind;
    std::int64_t prompts;
  };
  std::vector<Step> steps;
  for (const std::string& stage : settings.stages) {
    if (stage == "sft") steps.push_back({"SFT", StageKind::kSft, settings.sft_prompts});
    if (stage == "dpo") steps.push_back({"DPO", StageKind::kDpo, settings.dpo_prompts});
    if (stage == "ppo") steps.push_back({"PPO", StageKind::kPpo, settings.ppo_prompts});
  }
  std::vector<StagePlan> stages(1);
  stages.front().name = "SFT-I0";
  std::int64_t first = 0;
  for (std::int64_t i = 1; i <= settings.iterations; ++i) {
    for (const Step& step : steps) {
      const std::string shard = fmt::format("D{}", stages.size());
      stages.push_back({fmt::format("{}-I{}", step.prefix, i), step.kind, i, stages.back().name,
                        shard, first, step.prompts});
      first += step.prompts;
    }
  }
  return stages;
}

StageCost CostOf(const FlywheelSettings& settings, const std::vector<StagePlan>& stages,
                 std::size_t stage) {
  const StagePlan& plan = stages[stage];
  const auto rivals = static_cast<std::int64_t>(settings.rivals.size());
  const bool has_pairs = plan.kind == StageKind::kDpo || plan.kind == StageKind::kPpo;
  const std::int64_t of_target = 1 + (has_pairs ? settings.own_samples : 0);
  StageCost cost;
  const std::int64_t control = has_pairs && settings.controls ? 1 : 0;
  cost.trainings = (plan.kind == StageKind::kPpo ? 2 : 1) + control;
  cost.answers = (1 + control) * settings.test_prompts;
  cost.battles =
      (1 + control) * (rivals + static_cast<std::int64_t>(stage)) * settings.test_prompts;
  if (plan.shard.empty()) {
    // The rivals answer the test set and meet each other once.
    cost.answers += rivals * settings.test_prompts;
    cost.battles += rivals * (rivals - 1) / 2 * settings.test_prompts;
  } else {
    cost.answers += (of_target + rivals) * plan.prompts;
    cost.battles += of_target * rivals * plan.prompts;
  }
  return cost;
}

}  // namespace arena
