// Other people's defaults by name, so that their boards can be reproduced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/battle.h"
#include "rating/rate.h"

namespace arena {

struct Preset {
  std::string name;
  std::string summary;     ///< one line for --help
  OutcomeOptions outcome;  ///< how their games become results; belongs in DatasetOptions
  RatingOptions rating;
};

/// "arena" (ours, the default), "fastchat", "fastchat-elo", "fastchat-style", "arena-hard-v0.1",
/// "arena-hard-v2", "arena-rank", "arena-rank-style", "alpaca-eval".
/// What differs from the originals in all bootstraps: our rating is the median of the rounds
/// (theirs is often the estimate from all battles), and our random numbers are others. A game that
/// counts 3 is one result of weight 3 here, and three independent rows in Arena-Hard's.
const std::vector<Preset>& Presets();

/// Error: an unknown name, with the nearest known one.
Result<Preset> FindPreset(std::string_view name);

/// The rating options of FindPreset(name).
Result<RatingOptions> PresetOptions(std::string_view name);

}  // namespace arena
