#include "rating/presets.h"

#include <fmt/format.h>

#include <numbers>

#include "base/nearest.h"

namespace arena {
namespace {

Preset Named(std::string name, std::string summary) {
  Preset preset;
  preset.name = std::move(name);
  preset.summary = std::move(summary);
  return preset;
}

// Multinomial bootstrap over battles as if they were independent, 100 rounds.
void BootstrapBattles(RatingOptions& rating) {
  rating.interval = IntervalMethod::kBootstrap;
  rating.clustering = Clustering::kNone;
  rating.bootstrap_rounds = 100;
}

Preset FastChat() {
  Preset preset = Named("fastchat",
                        "FastChat's Bradley-Terry: no ridge, 100 bootstraps of battles, "
                        "mixtral-8x7b-instruct-v0.1 = 1114 where it takes part");
  preset.outcome.policy = OutcomePolicy::kDisagreeTie;
  preset.rating.ridge = 0;
  preset.rating.anchor = {"mixtral-8x7b-instruct-v0.1", 1114};
  preset.rating.anchor_is_optional = true;
  BootstrapBattles(preset.rating);
  return preset;
}

Preset FastChatElo() {
  Preset preset = Named("fastchat-elo", "FastChat's online Elo: K 4, start 1000, 100 bootstraps");
  preset.outcome.policy = OutcomePolicy::kDisagreeTie;
  preset.rating.method = RatingMethod::kElo;
  BootstrapBattles(preset.rating);
  return preset;
}

Preset FastChatStyle() {
  Preset preset = FastChat();
  preset.name = "fastchat-style";
  preset.summary = "FastChat's style control: L2 of 0.5 on all its parameters";
  preset.rating.style.enabled = true;
  preset.rating.style.normalisation = StyleNormalisation::kFastChat;
  preset.rating.style.subtract_mean = true;
  preset.rating.style.ridge_on_style = 0.5;
  // FastChat's contestant parameters are in units of ln 10.
  preset.rating.ridge = 0.5 / (std::numbers::ln10 * std::numbers::ln10);
  return preset;
}

Preset ArenaHard01() {
  Preset preset = Named("arena-hard-v0.1",
                        "Arena-Hard v0.1: Bradley-Terry, much better counts 3, every game counts, "
                        "gpt-4-0314 = 1000, 100 bootstraps of battles");
  preset.outcome.policy = OutcomePolicy::kEachGame;
  preset.outcome.strong_weight = 3;
  preset.outcome.game_is_whole = true;
  preset.rating.ridge = 0;
  preset.rating.anchor = {"gpt-4-0314", 1000};
  BootstrapBattles(preset.rating);
  return preset;
}

Preset ArenaHard2() {
  Preset preset = Named("arena-hard-v2",
                        "Arena-Hard v2: win rate against o3-mini-2025-01-31, much better counts 3, "
                        "100 bootstraps of battles, 90% intervals");
  preset.outcome = ArenaHard01().outcome;
  preset.rating.method = RatingMethod::kWinRate;
  preset.rating.baseline = "o3-mini-2025-01-31";
  preset.rating.level = 0.9;
  BootstrapBattles(preset.rating);
  return preset;
}

Preset ArenaRank() {
  Preset preset = Named("arena-rank",
                        "arena-rank: Bradley-Terry reweighted by pair, sandwich of independent "
                        "battles, no anchor");
  preset.outcome.policy = OutcomePolicy::kDisagreeTie;
  preset.rating.clustering = Clustering::kNone;
  preset.rating.ridge = 1e-5;
  preset.rating.reweight_pairs = true;
  preset.rating.reweight_floor = 50;
  return preset;
}

Preset ArenaRankStyle() {
  Preset preset = ArenaRank();
  preset.name = "arena-rank-style";
  preset.summary = "arena-rank's style control: L2 of 1 per battle on the coefficients only";
  preset.rating.style.enabled = true;
  preset.rating.style.normalisation = StyleNormalisation::kArenaRank;
  preset.rating.style.subtract_mean = true;
  preset.rating.style.ridge_on_style = 1;
  preset.rating.style.ridge_per_result = true;
  return preset;
}

Preset AlpacaEval() {
  Preset preset =
      Named("alpaca-eval", "AlpacaEval 2: length-controlled win rate against a baseline");
  preset.outcome.policy = OutcomePolicy::kEachGame;
  preset.rating.method = RatingMethod::kLengthControlled;
  return preset;
}

}  // namespace

const std::vector<Preset>& Presets() {
  static const std::vector<Preset> kPresets = {
      Named("arena", "ours: Bradley-Terry, sandwich intervals clustered by instruction"),
      FastChat(),
      FastChatElo(),
      FastChatStyle(),
      ArenaHard01(),
      ArenaHard2(),
      ArenaRank(),
      ArenaRankStyle(),
      AlpacaEval()};
  return kPresets;
}

Result<Preset> FindPreset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : Presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  std::string message =
      fmt::format("there is no preset \"{}\" (there are {})", name, fmt::join(names, ", "));
  if (const auto nearest = NearestName(name, names)) {
    message += fmt::format("; did you mean \"{}\"?", *nearest);
  }
  return InvalidInput(std::move(message));
}

Result<RatingOptions> PresetOptions(std::string_view name) {
  ARENA_ASSIGN_OR_RETURN(Preset preset, FindPreset(name));
  return std::move(preset.rating);
}

}  // namespace arena
