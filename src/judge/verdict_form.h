// What a judge may be asked to say, and the scores that it stands for.
#pragma once

#include <optional>
#include <string_view>

namespace arena {

enum class VerdictForm {
  kPairScores,   ///< two scores from 1 to 10: [[8, 5]]
  kPairVerdict,  ///< who is better: [[A]], [[B]], or [[C]] for a tie
  kPairGrades,   ///< by how much: [[A>>B]], [[A>B]], [[A=B]], [[B>A]], [[B>>A]]
  kSingleScore,  ///< one answer alone, from 1 to 10: [[7]]
};

/// "pair-scores", "pair-verdict", "pair-grades", "single-score".
std::string_view VerdictFormName(VerdictForm form);
std::optional<VerdictForm> ParseVerdictForm(std::string_view name);

/// The scores of the seats; of a single score, `second` is 0.
struct SeatScores {
  double first = 0;
  double second = 0;
  bool operator==(const SeatScores&) const = default;
};

// What a verdict without numbers stands for. "Better" is a gap of 3 and "much better" one of 9, so
// that much better weighs three times as much, as arena-hard counts it; all are symmetric about
// 5.5, the middle of 1 to 10.
inline constexpr SeatScores kFirstMuchBetter{10, 1};
inline constexpr SeatScores kFirstBetter{7, 4};
inline constexpr SeatScores kTieScores{5.5, 5.5};
inline constexpr double kLowestScore = 1;
inline constexpr double kHighestScore = 10;

/// The same verdict with the seats swapped.
constexpr SeatScores SwapSeats(SeatScores scores) { return {scores.second, scores.first}; }

}  // namespace arena
