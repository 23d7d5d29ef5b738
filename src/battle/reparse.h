// Reading stored verdicts again: no call is made and no reply is lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/game.h"
#include "judge/verdict_parser.h"
#include "store/store.h"

namespace arena {

/// A game that reads otherwise than it is stored.
struct RevisedGame {
  Game before;  ///< without its replies
  Game after;   ///< without its replies
};

struct ReparseReport {
  std::int64_t games = 0;    ///< looked at
  std::int64_t without = 0;  ///< of these keep no replies that could be read: other judges' games
  std::int64_t unreadable = 0;        ///< keep replies that this program does not understand
  std::int64_t now_done = 0;          ///< had failed and have a verdict now
  std::int64_t now_failed = 0;        ///< had a verdict and have none now
  std::int64_t other_verdict = 0;     ///< other scores, or another cause of failure
  std::vector<RevisedGame> changes;   ///< all of the last three, in the order of their battles
  std::vector<std::string> problems;  ///< the first 20 of `unreadable`, one line each
};

/// Reads the games of the battles that `query` selects again as `reading` says, and stores what
/// changed (not where `dry_run`), in one transaction with the battles that show it. Memory grows
/// with the number of battles by some bytes each, and with what changed. No other process may write
/// verdicts meanwhile.
Result<ReparseReport> Reparse(Store& store, const BattleQuery& query, VerdictReading reading,
                              bool dry_run);

}  // namespace arena
