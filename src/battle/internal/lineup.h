// Who meets whom.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "battle/pairing.h"
#include "core/contestant.h"

namespace arena {

/// Indices into the models of a run.
struct Lineup {
  /// The first of a pair has the smaller key.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<std::size_t> playing;  ///< those that are in a pair, in their order
};

/// Errors: those of MakePairs(); two that meet are the same contestant.
Result<Lineup> MakeLineup(std::span<ChatModel* const> models, const PairingOptions& pairing);

}  // namespace arena
