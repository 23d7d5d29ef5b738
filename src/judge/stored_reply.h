// Reading the verdicts of stored games again, without asking anyone.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "core/game.h"
#include "judge/verdict_form.h"
#include "judge/verdict_parser.h"

namespace arena {

/// The game as `raw_reply` says under this program's parser: state, failure, error and verdict are
/// made anew, all else stays. Nothing where the game keeps no replies that could be read (other
/// kinds of judges). Error: replies that this program does not understand.
Result<std::optional<Game>> ReadStoredReply(const Game& stored, VerdictReading reading);

/// What stood behind one verdict.
struct StoredOpinions {
  std::vector<SeatScores> samples;  ///< of one judge asked several times
  std::vector<SeatScores> members;  ///< of a jury
};
/// The opinions that can be read; empty for other judges. Error: as above.
Result<StoredOpinions> ReadOpinions(const Game& stored, VerdictReading reading);

}  // namespace arena
