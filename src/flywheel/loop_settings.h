// What a flywheel run does: stages, sizes, selection and training settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "flywheel/selection_settings.h"

namespace arena {

/// "key" -> "value" for a trainer, as `arena train --set` takes them.
using TrainingSettings = std::map<std::string, std::string>;

/// What happens when a stage's checkpoint rates below the one it was trained from, beyond its
/// interval.
enum class RegressionRule {
  kKeep,      ///< go on with it
  kRollBack,  ///< the next stage starts from the one before
  kStop,      ///< end the run
};
std::string_view RegressionRuleName(RegressionRule rule);
std::optional<RegressionRule> ParseRegressionRule(std::string_view name);

/// Plain values. Counts are of instructions unless said otherwise.
struct FlywheelSettings {
  std::uint64_t seed = 1;  ///< of the world, the draws and the trainings
  std::int64_t iterations = 3;
  std::vector<std::string> stages = {"sft", "dpo", "ppo"};  ///< of an iteration, in their order
  std::int64_t sft_prompts = 10000;                         ///< of the shard of each SFT stage
  std::int64_t dpo_prompts = 3000;
  std::int64_t ppo_prompts = 3000;
  std::int64_t test_prompts = 1024;
  bool evaluate_on_dev = false;  ///< on dev.jsonl in place of test.jsonl: to choose settings with

  double k = 0;          ///< SFT: lost means behind by more than this
  double pair_k = 1;     ///< DPO and the reward model: the same for pairs
  double min_score = 6;  ///< what the winner's mean score must reach
  /// What decides which instructions of an SFT shard are learned; all but kBattles need a size.
  SelectionRule select_by = SelectionRule::kBattles;
  std::int64_t select_size = 0;  ///< at most this many rows of an SFT shard; 0: no limit
  /// SFT's rows of earlier stages for each new row; nothing: all of them, 0: none.
  std::optional<double> replay = std::nullopt;
  RegressionRule on_regression = RegressionRule::kKeep;
  /// DPO and PPO stages also train a control from the same checkpoint and data, without the
  /// preference or reward term: training "dpo control" and "ppo control".
  bool controls = false;
  /// Preference stages: further contestants that are the target at temperature 1, whose losses are
  /// pairs beside those of its most probable answers.
  std::int64_t own_samples = 2;
  std::int64_t max_new_tokens = 16;  ///< of an answer; a longer one counts as far as it goes

  /// Failed answers and games for each battle that a part of a stage may have. Another than a run
  /// was begun with may end it.
  double max_failures = 0;

  /// Models that stay as they are: of the mini world, where all descend from the generalist, or
  /// contestants of the user's.
  std::vector<std::string> rivals = {"generalist", "math", "letters", "words"};

  // The mini world, which is made at the start.
  std::vector<std::string> families = {};  ///< empty: all that are not graded
  bool graded = false;                     ///< the graded families, too
  double scale = 1;                        ///< of the training data of base and rivals

  // A checkpoint and instructions of the user's in its place, where `base` is not empty.
  std::filesystem::path base = {};                     ///< the folder of the target's checkpoint
  std::filesystem::path reward_base = {};              ///< what RM-I1 starts from; empty: base
  std::vector<std::filesystem::path> start = {};       ///< what SFT-I0 learns; none: it is the base
  std::vector<std::filesystem::path> test_files = {};  ///< instructions of the test set
  /// What kTags goes by: rows that name an instruction and have its `tags`, as `arena score` writes
  /// them.
  std::vector<std::filesystem::path> score_files = {};

  /// By what is trained: "base", the rivals, "start" (SFT-I0), "sft", "dpo", "rm", "ppo"; "all"
  /// holds for each of them and yields to its own. A control is trained as its stage is, without
  /// what it is the control of.
  std::map<std::string, TrainingSettings> training = {};
  unsigned workers = 2;              ///< processes that answer or train at once
  std::filesystem::path cache = {};  ///< where base and rivals are kept for other runs; empty: none
};

/// An error where settings are out of range or name what does not exist.
Status CheckFlywheelSettings(const FlywheelSettings& settings);

/// Whether the run is on the user's own checkpoint and instructions.
inline bool HasOwnModels(const FlywheelSettings& settings) { return !settings.base.empty(); }

/// All that decides the results, in a fixed order: without `workers` and `cache`.
Json FlywheelSettingsJson(const FlywheelSettings& settings);

/// The settings for training `what`, "KEY=VALUE", with the seed. `what` may be "dpo control" or
/// "ppo control".
std::vector<std::string> TrainingSettingsFor(const FlywheelSettings& settings,
                                             const std::string& what);

/// A number among the settings for training `what`, or `otherwise` where they do not say it.
double TrainingNumber(const FlywheelSettings& settings, const std::string& what,
                      const std::string& key, double otherwise);

enum class StageKind { kStart, kSft, kDpo, kPpo };

/// One stage of the loop.
struct StagePlan {
  std::string name;  ///< "SFT-I0", "SFT-I1", "DPO-I1", ...
  StageKind kind = StageKind::kStart;
  std::int64_t iteration = 0;
  /// The stage whose checkpoint battles and is trained, unless there is a roll-back; empty: base.
  std::string parent;
  std::string shard;       ///< "D1", ...; empty: none
  std::int64_t first = 0;  ///< its first instruction among those of all shards
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
