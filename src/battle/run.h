// Playing battles: answers and games that are stored already are kept, the rest is played.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
  /// Instructions in memory at a time; more where contestants or judge work on many at once and no
  /// contestant answers as a unit.
  std::size_t chunk = 64;
  /// Whether a pair, by its index in MakePairs()'s order, meets on an instruction; null: it does.
  std::function<bool(const Key& instruction, std::size_t pair)> wants{};
};

/// Counts of a run. A battle is finished when both of its games are done or have failed.
struct BattleRunProgress {
  std::int64_t instructions = 0;  ///< selected
  std::int64_t battles_total = 0;
  std::int64_t battles_finished = 0;
  std::int64_t battles_kept = 0;  ///< of the finished: stored by an earlier run
  std::int64_t answers_asked = 0;
  std::int64_t games_played = 0;
  std::int64_t failed_answers = 0;
  std::int64_t failed_games = 0;
  std::int64_t duplicate_instructions = 0;  ///< left out: the same conversation came before
  bool interrupted = false;                 ///< stopped early; run again to continue
  std::string stopped;                      ///< why: by the user, or a cap on cost
  std::vector<std::string> failures;        ///< the first 20, one line each
  /// How many answers and games failed, by FailureKindName.
  std::map<std::string, std::int64_t, std::less<>> failed_by_kind;

  /// Lists a failure, unless there are 20.
  void NoteFailure(std::string line);
  /// Adds the counts and failures of another part of the same run.
  void Add(const BattleRunProgress& part);
};

/// Calls its sink with every instruction, in the same order each time it is called.
using InstructionStream = FunctionRef<Status(FunctionRef<Status(Instruction&&)>)>;

/// Runs all battles of `models` under `judge` and stores them. The stream is read twice: first to
/// check and select, then to play, a chunk of instructions at a time, so that memory does not grow
/// with the number of battles. Within a chunk a game is judged as soon as both answers are there.
/// Every answer and game is durable within the store's batch time. `progress` is called from this
/// thread a few times a second. Stops early, with what is in flight finished and stored, when the
/// user interrupts or a contestant or the judge says kCancelled.
Result<BattleRunProgress> RunBattles(Store& store, InstructionStream instructions,
                                     std::span<ChatModel* const> models, Judge& judge,
                                     const BattleRunOptions& options,
                                     FunctionRef<void(const BattleRunProgress&)> progress);

}  // namespace arena
