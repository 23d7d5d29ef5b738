#include "train/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <vector>

#include "base/nearest.h"

namespace arena::train {
namespace {

constexpr std::array<std::string_view, 4> kTrainerNames = {"sft", "dpo", "rm", "ppo"};

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One key: reads its value, and says what is wrong with it.
struct Key {
  std::string_view name;
  std::function<Status(std::string_view value, Settings& to)> set;
};

Error Wrong(std::string_view key, std::string_view value, std::string_view wanted) {
  return InvalidInput(fmt::format("{}={}: must be {}", key, value, wanted));
}

// `at` finds the field, for example [](Settings& s) -> double& { return s.dpo.beta; }.
template <typename Number, typename At>
Key NumberKey(std::string_view name, At at, Number least, Number most) {
  return {name, [=](std::string_view text, Settings& to) -> Status {
            const auto value = ParseNumber<Number>(text);
            if (!value || !(*value >= least && *value <= most)) {
              return Wrong(name, text, fmt::format("a number from {} to {}", least, most));
            }
            at(to) = *value;
            return {};
          }};
}

template <typename At>
Key Integer(std::string_view name, At at, std::int64_t least = 0,
            std::int64_t most = std::int64_t{1} << 40) {
  return NumberKey<std::int64_t>(name, at, least, most);
}
template <typename At>
Key Real(std::string_view name, At at, double least = 0, double most = 1e9) {
  return NumberKey<double>(name, at, least, most);
}

template <typename At>
Key Boolean(std::string_view name, At at) {
  return {name, [=](std::string_view text, Settings& to) -> Status {
            if (text != "true" && text != "false") return Wrong(name, text, "true or false");
            at(to) = text == "true";
            return {};
          }};
}

template <typename At>
Key Word(std::string_view name, At at, std::vector<std::string_view> words) {
  return {name, [=](std::string_view text, Settings& to) -> Status {
            if (std::find(words.begin(), words.end(), text) == words.end()) {
              return Wrong(name, text, fmt::format("one of {}", fmt::join(words, ", ")));
            }
            at(to) = text;
            return {};
          }};
}

#define ARENA_FIELD(field) \
  [](Settings & s) -> auto& { return s.field; }

std::vector<Key> CommonKeys() {
  return {
      Integer("epochs", ARENA_FIELD(epochs), 1),
      Integer("steps", ARENA_FIELD(steps)),
      Integer("batch_size", ARENA_FIELD(batch_size), 1),
      Real("learning_rate", ARENA_FIELD(learning_rate)),
      {"schedule",
       [](std::string_view text, Settings& to) -> Status {
         ARENA_ASSIGN_OR_RETURN(to.schedule, ParseScheduleShape(text));
         return {};
       }},
      Integer("warmup_steps", ARENA_FIELD(warmup_steps)),
      Real("final_factor", ARENA_FIELD(final_factor), 0, 1),
      Real("weight_decay", ARENA_FIELD(weight_decay)),
      Real("beta1", ARENA_FIELD(beta1), 0, 0.9999999),
      Real("beta2", ARENA_FIELD(beta2), 0, 0.9999999),
      Real("epsilon", ARENA_FIELD(epsilon), 1e-30),
      Real("max_grad_norm", ARENA_FIELD(max_grad_norm)),
      Integer("micro_batch_tokens", ARENA_FIELD(micro_batch_tokens)),
      NumberKey<std::uint64_t>("seed", ARENA_FIELD(seed), 0, ~std::uint64_t{0}),
      Word("precision", ARENA_FIELD(precision), {"auto", "f32", "bf16"}),
      Integer("save_every", ARENA_FIELD(save_every)),
      Integer("keep_checkpoints", ARENA_FIELD(keep_checkpoints), 1, 1000),
      Integer("eval_every", ARENA_FIELD(eval_every)),
      Boolean("activation_checkpointing", ARENA_FIELD(activation_checkpointing)),
      Word("save_dtype", ARENA_FIELD(save_dtype), {"auto", "f32", "bf16", "f16"}),
      Real("average_decay", ARENA_FIELD(average_decay), 0, 0.9999999),
      Integer("rank_timeout", ARENA_FIELD(rank_timeout), 1, 86400),
      Integer("lora_rank", ARENA_FIELD(lora.rank), 0, 65536),
      Real("lora_alpha", ARENA_FIELD(lora.alpha), 1e-6),
      {"lora_targets",
       [](std::string_view text, Settings& to) -> Status {
         const std::vector<std::string> known = LoraOptions().targets;
         to.lora.targets.clear();
         while (!text.empty()) {
           const std::string_view name = text.substr(0, text.find(','));
           if (std::find(known.begin(), known.end(), name) == known.end()) {
             return Wrong("lora_targets", name, fmt::format("of {}", fmt::join(known, ", ")));
           }
           to.lora.targets.emplace_back(name);
           text.remove_prefix(std::min(text.size(), name.size() + 1));
         }
         return {};
       }},
      Boolean("lora_merge", ARENA_FIELD(lora_merge)),
  };
}

std::vector<Key> KeysOf(TrainerKind kind) {
  switch (kind) {
    case TrainerKind::kSft:
      return {};
    case TrainerKind::kDpo:
      return {Real("beta", ARENA_FIELD(dpo.beta)),
              Real("label_smoothing", ARENA_FIELD(dpo.label_smoothing), 0, 0.499),
              Boolean("length_normalised", ARENA_FIELD(dpo.length_normalised)),
              Real("sft_weight", ARENA_FIELD(dpo.sft_weight))};
    case TrainerKind::kRewardModel:
      return {Real("likelihood_weight", ARENA_FIELD(reward.likelihood_score_weight)),
              Real("likelihood_loss_weight", ARENA_FIELD(reward.likelihood_loss_weight)),
              Real("likelihood_floor", ARENA_FIELD(reward.log_prob_floor), -1e9, 0),
              Real("center_weight", ARENA_FIELD(reward.centring_weight))};
    case TrainerKind::kPpo:
      return {
          Integer("rollout_batch", ARENA_FIELD(ppo.rollout_batch), 1),
          Integer("samples_per_prompt", ARENA_FIELD(ppo.samples_per_prompt), 1, 4096),
          Integer("ppo_epochs", ARENA_FIELD(ppo.ppo_epochs), 1, 1000),
          Integer("minibatch", ARENA_FIELD(ppo.minibatch), 1),
          Real("clip", ARENA_FIELD(ppo.clip), 1e-6, 10),
          Real("value_clip", ARENA_FIELD(ppo.value_clip)),
          Real("gamma", ARENA_FIELD(ppo.gae.gamma), 0, 1),
          Real("lambda", ARENA_FIELD(ppo.gae.lambda), 0, 1),
          Real("kl_coefficient", ARENA_FIELD(ppo.kl_coefficient)),
          Real("kl_target", ARENA_FIELD(ppo.adaptive_kl.target)),
          Real("kl_horizon", ARENA_FIELD(ppo.adaptive_kl.horizon), 1),
          Real("temperature", ARENA_FIELD(ppo.temperature), 1e-3, 100),
          Integer("max_new_tokens", ARENA_FIELD(ppo.max_new_tokens), 1),
          Real("missing_eos_penalty", ARENA_FIELD(ppo.missing_eos_penalty)),
          Real("reward_clip", ARENA_FIELD(ppo.reward_clip)),
          Word("reward_normalisation", ARENA_FIELD(ppo.reward_normalisation),
               {"none", "batch", "running"}),
          Real("value_learning_rate", ARENA_FIELD(ppo.value_learning_rate)),
          Word("value_model", ARENA_FIELD(ppo.value_model), {"own", "shared"}),
          Real("value_weight", ARENA_FIELD(ppo.value_weight)),
          Real("policy_weight", ARENA_FIELD(ppo.policy_weight)),
          Real("ptx_weight", ARENA_FIELD(ppo.ptx_weight)),
          Real("max_kl", ARENA_FIELD(ppo.max_kl)),
      };
  }
  return {};
}

#undef ARENA_FIELD

// PAPER: SFT 5e-6, 3 epochs, batch 128; DPO beta 0.1, 5e-7 to 1e-6; PPO 1e-6, KL 0.4.
Settings DefaultsOf(TrainerKind kind) {
  Settings settings;
  settings.batch_size = 128;
  switch (kind) {
    case TrainerKind::kSft:
      settings.learning_rate = 5e-6;
      settings.epochs = 3;
      break;
    case TrainerKind::kDpo:
      settings.learning_rate = 1e-6;
      break;
    case TrainerKind::kRewardModel:
      settings.learning_rate = 5e-6;
      break;
    case TrainerKind::kPpo:
      settings.learning_rate = 1e-6;
      settings.ppo.kl_coefficient = 0.4;
      break;
  }
  return settings;
}

Status CheckTogether(TrainerKind kind, const Settings& settings) {
  const AdaptiveKl& kl = settings.ppo.adaptive_kl;
  const std::int64_t answers = settings.ppo.rollout_batch * settings.ppo.samples_per_prompt;
  if (kind == TrainerKind::kPpo && kl.target > 0 && kl.horizon < static_cast<double>(answers)) {
    return InvalidInput(fmt::format("kl_horizon={}: must be at least the answers of a step, {}",
                                    kl.horizon, answers));
  }
  if (kind == TrainerKind::kPpo && settings.ppo.value_model == "shared" && settings.lora.rank > 0) {
    return InvalidInput("value_model=shared: not together with lora_rank");
  }
  return {};
}

}  // namespace

Result<TrainerKind> ParseTrainerKind(std::string_view name) {
  const auto found = std::find(kTrainerNames.begin(), kTrainerNames.end(), name);
  if (found == kTrainerNames.end()) {
    return InvalidInput(
        fmt::format("trainer {} is unknown; there are {}", name, fmt::join(kTrainerNames, ", ")));
  }
  return static_cast<TrainerKind>(found - kTrainerNames.begin());
}

std::string_view TrainerName(TrainerKind kind) {
  return kTrainerNames[static_cast<std::size_t>(kind)];
}

Result<Settings> ParseSettings(TrainerKind kind, const std::map<std::string, std::string>& pairs) {
  Settings settings = DefaultsOf(kind);
  std::vector<Key> keys = CommonKeys();
  for (Key& key : KeysOf(kind)) keys.push_back(std::move(key));
  std::vector<std::string_view> names;
  for (const Key& key : keys) names.push_back(key.name);
  for (const auto& [name, value] : pairs) {
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
    if (key == keys.end()) {
      const auto near = NearestName(name, names);
      return InvalidInput(fmt::format("{} is no setting of {}{}", name, TrainerName(kind),
                                      near ? fmt::format("; did you mean {}?", *near) : ""));
    }
    ARENA_RETURN_IF_ERROR(key->set(value, settings));
  }
  ARENA_RETURN_IF_ERROR(CheckTogether(kind, settings));
  return settings;
}

}  // namespace arena::train
