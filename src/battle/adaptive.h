// Playing the battles that make the board sure soonest, until it is sure enough.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/function_ref.h"
#include "base/result.h"
#include "battle/run.h"
#include "rating/dataset.h"

namespace arena {

struct AdaptiveOptions {
  BattleRunOptions battles{};
  OutcomeOptions outcome{};
  double width = 50;  ///< wished: the mean width of the 95% intervals, in rating points; above 0
};

struct AdaptiveProgress {
  BattleRunProgress run;    ///< of all rounds so far; battles_total: all that could be played
  std::int64_t rounds = 0;  ///< finished
  double width = std::numeric_limits<double>::infinity();  ///< after the last of them
};

/// Plays in rounds. The first has every pair meet on a few instructions; each later one is a tenth
/// of what was played, chosen by ChooseNextGames() from a board of the rounds before, the pairs'
/// instructions being taken in an order that the seed decides, the same for all pairs, so that
/// answers serve several battles. Ends when the intervals of the Bradley-Terry board (sandwich,
/// clustered by instruction) are as narrow as wished, or all is played. What is stored is kept, so
/// a run that was ended continues with the same rounds. Errors: as of RunBattles().
Result<AdaptiveProgress> RunAdaptiveBattles(Store& store, InstructionStream instructions,
                                            std::span<ChatModel* const> models, Judge& judge,
                                            const AdaptiveOptions& options,
                                            FunctionRef<void(const AdaptiveProgress&)> progress);

}  // namespace arena
