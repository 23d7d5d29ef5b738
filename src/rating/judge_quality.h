// How far a judge can be trusted: order, length and self bias, failures, noise, and agreement with
// human votes, from one pass over its battles. Pure: no I/O.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/battle.h"
#include "rating/figure.h"

namespace arena {

/// What must be known before the first battle.
struct JudgeQualityConfig {
  /// Contestant -> family; contestants not listed have none.
  std::unordered_map<std::string, std::string> contestant_families;
  /// Judge (BattleRecord::judge) -> family.
  std::unordered_map<std::string, std::string> judge_families;
  /// Family of judges that `judge_families` does not list; empty: none.
  std::string default_judge_family;
  /// Bound on what is kept one by one (battles for the length slope, games for repeatability).
  /// Beyond it a sample by instruction is kept: whole instructions, chosen by hash.
  std::size_t sample_limit = std::size_t{1} << 19;
};

struct JudgeQualityReportOptions {
  double level = 0.95;     ///< of the intervals, in (0, 1)
  int rounds = 1000;       ///< bootstrap rounds over instructions, 1 or more
  std::uint64_t seed = 1;  ///< round i draws from Rng(seed, i)
  unsigned threads = 0;    ///< 0: all processors
};

/// A mean over `count` cases. Bounds by bootstrap over instructions.
struct JudgeRate {
  Figure figure;           ///< in [0, 1] unless its comment says otherwise
  std::int64_t count = 0;  ///< the cases that it is a mean over
};

/// Slope of the log odds of winning per standard deviation of the difference of lengths:
/// logit P(A wins) = slope * (length A - length B) / deviation, one case per battle (mean share of
/// its games), no intercept, so that it does not matter which contestant is listed first. It says
/// how wins go with length, not that length causes them: better answers may be longer. Bounds by
/// the sandwich clustered by instruction.
struct LengthSlope {
  Figure slope;
  double deviation = 1;    ///< root mean square of the differences, in `unit`
  std::string unit;        ///< "tokens" (as counted by the source) or "bytes" (of the texts)
  std::int64_t count = 0;  ///< battles fitted
  bool sampled = false;    ///< not all battles that have lengths: sample_limit was reached
};

/// Agreement with votes on the same instruction and pair. A battle is one label (win, tie, loss of
/// the contestant whose name is first in byte order; games that name different winners make a tie;
/// void battles are left out) and is compared with every vote on it.
struct VoteAgreement {
  JudgeRate accuracy;           ///< judge and vote say the same of win, tie, loss
  JudgeRate decided_accuracy;   ///< the same over cases in which neither says tie; count may be 0,
                                ///< and then the figure is 0
  std::optional<Figure> kappa;  ///< Cohen's, over the three labels; absent when both say the same
                                ///< one label throughout
  /// Cases [judge][vote]; 0 win, 1 tie, 2 loss.
  std::array<std::array<std::int64_t, 3>, 3> cases{};
};

/// Preference of a family's judges for contestants of the same family, over battles in which
/// exactly one contestant is of the family; 0.1 means that it gets 10 points of win rate more.
struct FamilyPreference {
  std::string family;
  /// Win rate of the family's contestants before the family's judges. By itself no sign of bias.
  JudgeRate win_rate;
  /// Mean of (judge's share - mean vote's share) for the family's contestant, over the battles with
  /// votes. Positive: the judge favours its family more than voters do.
  std::optional<JudgeRate> versus_votes;
  /// The family's win rate before its own judges minus that before judges of other families, within
  /// instructions (groups: see JudgeQuality) that both kinds judged, weighted by the number of the
  /// own judges' battles. Sound when both kinds judged the same battles, as juries do.
  std::optional<JudgeRate> versus_other_judges;
};

/// A figure without a case is absent.
struct JudgeQualityReport {
  std::int64_t battles = 0;
  std::int64_t games = 0;
  std::int64_t clusters = 0;  ///< groups that the bootstrap draws: instructions, see JudgeQuality
  double level = 0.95;
  int rounds = 0;
  std::uint64_t seed = 0;

  /// Games that were not judged or not understood, of all games.
  std::optional<JudgeRate> void_rate;
  /// Battles judged in both seat orders whose two games name different winners (a tie is one more
  /// outcome). The next three add up to it.
  std::optional<JudgeRate> flip_rate;
  std::optional<JudgeRate> first_seat_reversals;   ///< the first seat won both games
  std::optional<JudgeRate> second_seat_reversals;  ///< the second seat won both games
  std::optional<JudgeRate> tie_flips;              ///< one of the games is a tie
  /// Mean share of the first seat over judged games; 0.5 when seats do not matter and every battle
  /// is judged in both orders.
  std::optional<JudgeRate> first_seat_win_rate;
  /// Mean share of the longer answer over battles with answers of different lengths.
  std::optional<JudgeRate> longer_win_rate;
  std::optional<LengthSlope> length_slope;
  /// Of all pairs of samples of the same game (same judge, instruction, answers and seats), the
  /// share that names the same winner. `count` is the number of pairs.
  std::optional<JudgeRate> repeatability;
  /// The same of pairs of members of a jury.
  std::optional<JudgeRate> jury_agreement;
  std::optional<VoteAgreement> votes;
  std::int64_t votes_given = 0;
  std::vector<FamilyPreference> families;  ///< one per family of a judge, sorted by name
  std::vector<std::string> warnings;
};

/// What stood behind the verdict of one game: how many of several opinions named the first seat,
/// said tie, and named the second.
struct GameOpinions {
  std::array<std::int64_t, 3> samples{};  ///< of one judge that was asked several times
  std::array<std::int64_t, 3> members{};  ///< of a jury
};

/// Accumulates battles; memory is bounded by the number of votes plus the configured sample, not by
/// the number of battles. For the bootstrap instructions are grouped by hash into at most 16,384
/// groups (with few instructions nearly each has its own), battles without an instruction one after
/// the other into as many. Adding is not thread-safe; Report is, among itself.
class JudgeQuality {
 public:
  explicit JudgeQuality(JudgeQualityConfig config = {});
  JudgeQuality(JudgeQuality&&) noexcept;
  JudgeQuality& operator=(JudgeQuality&&) noexcept;
  ~JudgeQuality();

  /// Adds a vote to compare with: a person's, or another judge's verdict that serves as the
  /// yardstick. The games of one record are one vote. A void record and one without an instruction
  /// are left out. All votes come before the first battle; Report warns of later ones, which were
  /// compared with the battles after them only.
  void AddVote(const BattleRecord& vote);

  /// Adds a battle of the judge.
  void Add(const BattleRecord& battle);

  /// Adds the opinions behind one game on `instruction` (as in its battle's record, not empty),
  /// each game once. They count for repeatability and jury_agreement only.
  void AddOpinions(std::string_view instruction, const GameOpinions& opinions);

  /// Errors: no battle was added, options out of range.
  Result<JudgeQualityReport> Report(const JudgeQualityReportOptions& options = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace arena
