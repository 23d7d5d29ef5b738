// What a flywheel run does: stages, sizes, selection and training settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace arena {

/// "key" -> "value" for a trainer, as `arena train --set` takes them.
using TrainingSettings = std::map<std::string, std::string>;

/// Plain values. Counts are of instructions unless said otherwise.
struct FlywheelSettings {
  std::uint64_t seed = 1;  ///< of the world, the draws and the trainings
  std::int64_t iterations = 3;
  std::int64_t sft_prompts = 10000;  ///< of the shard of each SFT stage
  std::int64_t dpo_prompts = 3000;
  std::int64_t ppo_prompts = 3000;
  std::int64_t test_prompts = 1024;

  double k = 0;            ///< SFT: lost means behind by more than this
  double pair_k = 1;       ///< DPO and the reward model: the same for pairs
  double min_score = 6;    ///< what the winner's mean score must reach
  bool accumulate = true;  ///< SFT learns from all iterations so far, not only from the last
  /// Preference stages: further contestants that are the target at temperature 1, whose losses are
  /// pairs beside those of its most probable answers.
  std::int64_t own_samples = 2;
  std::int64_t max_new_tokens = 16;  ///< of an answer; a longer one counts as far as it goes

  std::vector<std::string> families = {};  ///< of the mini world; empty: all that are not graded
  bool graded = false;                     ///< the graded families, too
  double scale = 1;                        ///< of the training data of base and rivals
  /// Models that stay as they are; all descend from the generalist.
  std::vector<std::string> rivals = {"generalist", "math", "letters", "words"};

  /// By what is trained: "base", the rivals, "start" (SFT-I0), "sft", "dpo", "rm", "ppo"; "all"
  /// holds for each of them and yields to its own.
  std::map<std::string, TrainingSettings> training = {};
  unsigned workers = 2;              ///< processes that answer or train at once
  std::filesystem::path cache = {};  ///< where base and rivals are kept for other runs; empty: none
};

/// An error where settings are out of range or name what does not exist.
Status CheckFlywheelSettings(const FlywheelSettings& settings);

/// All that decides the results, in a fixed order: without `workers` and `cache`.
Json FlywheelSettingsJson(const FlywheelSettings& settings);

/// The settings for training `what`, "KEY=VALUE", with the seed.
std::vector<std::string> TrainingSettingsFor(const FlywheelSettings& settings,
                                             const std::string& what);

enum class StageKind { kStart, kSft, kDpo, kPpo };

/// One stage of the loop.
struct StagePlan {
  std::string name;  ///< "SFT-I0", "SFT-I1", "DPO-I1", ...
  StageKind kind = StageKind::kStart;
  std::string parent;      ///< the stage whose checkpoint battles and is trained; empty: the base
  std::string shard;       ///< "D1", ...; empty: none
  std::int64_t first = 0;  ///< its first instruction in the world's train.jsonl
  std::int64_t prompts = 0;
};

/// The stages in their order.
std::vector<StagePlan> PlanStages(const FlywheelSettings& settings);

/// What a stage or a whole run will do.
struct StageCost {
  std::int64_t answers = 0;  ///< at most
  std::int64_t battles = 0;  ///< two games each
  std::int64_t trainings = 0;
};
/// Battles on the shard and, with `stage` the index in PlanStages, on the test set.
StageCost CostOf(const FlywheelSettings& settings, const std::vector<StagePlan>& stages,
                 std::size_t stage);

}  // namespace arena
