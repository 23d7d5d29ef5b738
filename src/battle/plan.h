// What a run would ask and judge, without asking.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "battle/run.h"
#include "core/contestant.h"

namespace arena {

struct BattlePlan {
  std::int64_t instructions = 0;
  std::int64_t battles = 0;
  std::int64_t answers = 0;        ///< to ask for
  std::int64_t games_at_most = 0;  ///< to judge; fewer where texts are equal or answers fail
  CallEstimate contestants;        ///< of the answers to ask for
  CallEstimate judge;  ///< of the games, with answers that are not there yet at their limit
};

/// Plans RunBattles() with the same arguments, without a call. `store` null: there is none yet.
Result<BattlePlan> PlanBattles(Store* store, InstructionStream instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const BattleRunOptions& options);

}  // namespace arena
