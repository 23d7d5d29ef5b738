// Playing battles: answers and games that are stored already are kept, the rest is played.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/function_ref.h"
#include "base/result.h"
#include "battle/pairing.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"
#include "store/store.h"

namespace arena {

struct BattleRunOptions {
  PairingOptions pairing{};
  std::vector<std::string> categories{};  ///< only these; empty: all
  std::size_t sample = 0;                 ///< this many instructions at random; 0: all
  std::uint64_t seed = 1;                 ///< of the sample
  bool retry_failed = false;              ///< play again what is stored as failed
  unsigned threads = 0;                   ///< 0: all processors
  std::size_t chunk = 64;                 ///< instructions in memory at a time
};

/// Counts of a run. A battle is finished when both of its games are done or have failed.
struct BattleRunProgress {
  std::int64_t instructions = 0;  ///< selected
  std::int64_t battles_total = 0;
  std::int64_t battles_finished = 0;
  std::int64_t battles_kept = 0;  ///< of the finished: stored by an earlier run
  std::int64_t games_played = 0;
  std::int64_t failed_answers = 0;
  std::int64_t failed_games = 0;
  std::int64_t duplicate_instructions = 0;  ///< left out: the same conversation came before
  bool interrupted = false;                 ///< stopped by the user; run again to continue
  std::vector<std::string> failures;        ///< the first 20, one line each
};

/// Calls its sink with every instruction, in the same order each time it is called.
using InstructionStream = FunctionRef<Status(FunctionRef<Status(Instruction&&)>)>;

/// Runs all battles of `models` under `judge` and stores them. The stream is read twice: first to
/// check and select, then to play, `options.chunk` instructions at a time, so that memory does not
/// grow with the number of battles. Every finished game is durable within the store's batch time.
/// `progress` is called from this thread after each chunk. Stops early, with what is in flight
/// finished and stored, when the user interrupts.
Result<BattleRunProgress> RunBattles(Store& store, InstructionStream instructions,
                                     std::span<ChatModel* const> models, Judge& judge,
                                     const BattleRunOptions& options,
                                     FunctionRef<void(const BattleRunProgress&)> progress);

}  // namespace arena
