// What a run would ask and judge, without asking.
#pragma once

#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "base/result.h"
#include "battle/run.h"

namespace arena {

struct BattlePlan {
  std::int64_t instructions = 0;
  std::int64_t battles = 0;
  std::int64_t answers = 0;        ///< to ask for
  std::int64_t games_at_most = 0;  ///< to judge; fewer where texts are equal or answers fail
};

/// Plans RunBattles() with the same arguments. `store` null: there is none yet. `ask` is called for
/// each answer that would be asked for, with the index of the contestant.
Result<BattlePlan> PlanBattles(Store* store, InstructionStream instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const BattleRunOptions& options,
                               FunctionRef<void(std::size_t, const Instruction&)> ask);

}  // namespace arena
