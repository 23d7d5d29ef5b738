// One game: two answers in two seats before a judge.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/contestant.h"
#include "core/conversation.h"

namespace arena {

/// What a judge said of one game; scores are 1 to 10, of the seats (not of the contestants).
struct Verdict {
  double score_first = 0;
  double score_second = 0;
  std::string explanation;
};

/// What a judge is shown: never the contestants' names.
struct GameView {
  const Instruction& instruction;
  const std::vector<std::string>& first;   ///< the turns of the answer in the first seat
  const std::vector<std::string>& second;  ///< of the answer in the second seat
};

/// A judged (or failed) game as stored.
struct Game {
  Key key;  ///< GameKey(...)
  Key judge;
  WorkState state = WorkState::kPending;
  FailureKind failure = FailureKind::kNone;
  std::string error;
  int attempts = 1;       ///< requests, or whatever the judge counts
  Verdict verdict;        ///< set when state is kDone
  std::string raw_reply;  ///< what the judge wrote, or empty where the verdict says it all
  Usage usage;
};

/// What identifies a judge.
struct JudgeIdentity {
  std::string name;
  std::string family;     ///< for self-preference figures; empty: none
  std::string behaviour;  ///< canonical JSON: kind, settings, template, version
  Key key() const;
};

/// Who can judge. Implementations live in judge/. Thread-safe.
class Judge {
 public:
  virtual ~Judge() = default;
  virtual const JudgeIdentity& identity() const = 0;
  /// The game with state, failure, verdict, raw_reply and usage set; key and judge are the
  /// caller's. A game that could not be judged is kFailed, not an error; an error ends the run;
  /// kCancelled: the user, or a cap on cost, stopped it.
  virtual Result<Game> Play(const GameView& view) = 0;
  /// What a game takes, where calls cost something; a repair of a reply is in the limits only.
  virtual CallEstimate EstimateOf(const GameView& /*view*/) const { return {}; }
  /// How many games are usefully in play at once; 0: one per processor.
  virtual unsigned games_at_once() const { return 0; }
};

/// The identity of a game: the same key is never asked or paid for twice. Two contestants with the
/// same text share it.
Key GameKey(const Instruction& instruction, const Key& first_text, const Key& second_text,
            const Key& judge, int sample);

/// The identity of an answer's text (all its turns).
Key TextKey(const std::vector<std::string>& turns);

}  // namespace arena
