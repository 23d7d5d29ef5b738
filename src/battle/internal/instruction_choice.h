// Which instructions of a stream are played.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "base/hash.h"
#include "base/result.h"
#include "battle/run.h"

namespace arena {

struct InstructionChoice {
  std::unordered_set<Key, KeyHash> keys;
  std::int64_t duplicates = 0;  ///< left out: the same conversation came before
};

/// Reads the stream once. Error: nothing is left.
Result<InstructionChoice> ChooseInstructions(InstructionStream instructions,
                                             const BattleRunOptions& options);

}  // namespace arena
