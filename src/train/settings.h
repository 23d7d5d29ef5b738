// The settings of a training run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/losses.h"
#include "train/parameters.h"
#include "train/ppo_rewards.h"
#include "train/schedule.h"

namespace arena::train {

enum class TrainerKind { kSft, kDpo, kRewardModel, kPpo };

/// "sft", "dpo", "rm", "ppo".
Result<TrainerKind> ParseTrainerKind(std::string_view name);
std::string_view TrainerName(TrainerKind kind);

/// What PPO does in a step, and how. docs/training.md says which numbers the paper has.
struct PpoSettings {
  std::int64_t rollout_batch = 128;     ///< prompts of a step, over all ranks
  std::int64_t samples_per_prompt = 4;  ///< answers to each
  std::int64_t ppo_epochs = 1;          ///< passes over a step's answers
  std::int64_t minibatch = 128;         ///< answers of one update, over all ranks
  double clip = 0.2;
  double value_clip = 0.2;  ///< 0: values are not clipped
  GaeOptions gae;
  double kl_coefficient = 0.05;
  AdaptiveKl adaptive_kl = {.target = 0, .horizon = 10000};  ///< target 0: the coefficient is fixed
  double temperature = 1;
  std::int64_t max_new_tokens = 256;
  double missing_eos_penalty = 0;
  double reward_clip = 0;  ///< 0: not clipped
  /// "none"; "batch": centred for each prompt, divided by the deviation over the step's answers;
  /// "running": by mean and deviation of all answers so far.
  std::string reward_normalisation = "batch";
  double value_learning_rate = 0;   ///< 0: learning_rate
  std::string value_model = "own";  ///< or "shared": a second head on the policy
  double value_weight = 0.1;        ///< of the value loss where the trunk is shared
  double policy_weight = 1;  ///< of the policy's loss; 0: the policy learns from --ptx-data alone
  double ptx_weight = 0;     ///< of the fine-tuning loss on --ptx-data
  double max_kl =
      0;  ///< an update stops when its mean KL to the sampling policy passes this; 0: never
};

/// All that `--set` can say. A plain value.
struct Settings {
  std::int64_t epochs = 1;
  std::int64_t steps = 0;  ///< optimizer steps (PPO: of sampling); 0: as many as `epochs` take
  std::int64_t batch_size = 64;  ///< examples of an optimizer step, over all ranks
  double learning_rate = 1e-5;
  ScheduleShape schedule = ScheduleShape::kCosine;
  std::int64_t warmup_steps = 0;
  double final_factor = 0;  ///< of the learning rate, at the end
  double weight_decay = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double max_grad_norm = 1;             ///< 0: no clipping
  std::int64_t micro_batch_tokens = 0;  ///< tokens of one pass; 0: by the model's size
  std::uint64_t seed = 1;
  std::string precision = "auto";
  std::int64_t save_every = 100;  ///< steps; 0: only at an interruption
  std::int64_t keep_checkpoints = 2;
  std::int64_t eval_every = 0;  ///< steps; 0: only at the end
  bool activation_checkpointing = false;
  std::string save_dtype = "auto";  ///< "f32", "bf16", "f16"; auto: as the model was
  double average_decay =
      0;  ///< of the running mean of the weights that is saved at the end; 0: none
  std::int64_t rank_timeout = 600;  ///< seconds that a rank waits for the others

  LoraOptions lora = {.rank = 0, .alpha = 16};  ///< rank 0: all weights are trained
  bool lora_merge = true;  ///< the finished model has the adapters added to its weights

  DpoOptions dpo;
  RewardOptions reward;
  PpoSettings ppo;
};

/// Checks and applies `--set key=value` pairs to the defaults of a kind of training: the paper's
/// where it has one (docs/training.md). Errors name the key, and the nearest one that exists.
Result<Settings> ParseSettings(TrainerKind kind, const std::map<std::string, std::string>& pairs);

}  // namespace arena::train
