// A battle: two contestants on one instruction, judged in up to two games with seats swapped.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "base/hash.h"
#include "base/result.h"
#include "core/contestant.h"

namespace arena {

/// A battle as stored: it names what met, not who won.
struct Battle {
  Key key;  ///< BattleKey(...)
  Key instruction;
  Key contestant_a;  ///< contestant_a < contestant_b as keys, so a pair has one battle
  Key contestant_b;
  Key answer_a;
  Key answer_b;
  Key judge;
  Key game_ab;  ///< A sits first
  Key game_ba;  ///< B sits first
};

Key BattleKey(const Key& answer_a, const Key& answer_b, const Key& judge, int sample);

/// One game as ratings see it: in the frame of the battle's model A, whoever sat first.
struct GameOutcome {
  bool a_first = true;
  bool is_void = false;                    ///< not judged, or not understood; never a tie
  FailureKind cause = FailureKind::kNone;  ///< why it is void, where that is known
  double share_a = 0.5;     ///< 1: A won, 0: B won, 0.5: tie; fractions where the format has them
  bool strong = false;      ///< `>>`, much better
  bool has_scores = false;  ///< score_a and score_b are set
  double score_a = 0;
  double score_b = 0;
};

/// A judged game from the scores of its seats: the higher score won.
GameOutcome ScoredGame(bool a_first, double score_first, double score_second);

/// One battle as read from a store or from a file of verdicts. The views are valid only during the
/// callback that delivers it.
struct BattleRecord {
  std::string_view instruction;  ///< identity of the instruction; empty where the source has none
  std::string_view category;     ///< empty: none
  std::string_view language;     ///< empty: none
  std::string_view judge;        ///< who judged; empty: unknown
  std::string_view model_a;
  std::string_view model_b;
  std::array<GameOutcome, 2> games;
  int game_count = 1;
  bool seats_known = true;  ///< false: the source does not say who sat first
  std::string_view text_a;  ///< the answers, where the source has them; else empty
  std::string_view text_b;
  std::optional<StyleCounts> style_a;  ///< as counted by the source
  std::optional<StyleCounts> style_b;
  double time = std::numeric_limits<double>::quiet_NaN();  ///< seconds since 1970, if known
};

/// Receives battles one at a time; an error stops the reading and is returned by it.
using BattleSink = FunctionRef<Status(const BattleRecord&)>;

/// How the games of a battle become one result.
enum class OutcomePolicy {
  kMeanScore,    ///< compare the mean scores of both games, tie within a margin (the paper)
  kDisagreeTie,  ///< games that name different winners make a tie (FastChat)
  kEachGame,     ///< each game counts as half a result (a lone game as a whole one)
};
std::string_view OutcomePolicyName(OutcomePolicy policy);
std::optional<OutcomePolicy> ParseOutcomePolicy(std::string_view name);

struct OutcomeOptions {
  OutcomePolicy policy = OutcomePolicy::kMeanScore;
  double tie_margin = 0;     ///< kMeanScore: |mean score A - mean score B| <= margin is a tie
  double strong_weight = 1;  ///< kEachGame: a strong game counts as this many (arena-hard v0.1: 3)
  bool game_is_whole = false;  ///< kEachGame: every game counts 1 and not 1/2 (arena-hard)
};

/// One rated result of a battle; kEachGame makes two of a two-game battle.
struct RatedResult {
  double share_a = 0.5;
  double weight = 1;
};
struct RatedResults {
  std::array<RatedResult, 2> results;
  int count = 0;  ///< 0: the battle is void
};

/// Applies the policy. A battle of which any game is void is void as a whole (kEachGame: the void
/// game is left out). Error: kMeanScore on games without scores.
Result<RatedResults> Outcome(const BattleRecord& battle, const OutcomeOptions& options);

}  // namespace arena
