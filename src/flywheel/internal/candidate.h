// What becomes of each battle: judged alone first, then against the others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "flywheel/selection.h"
#include "flywheel/selection_settings.h"
#include "store/store.h"

namespace arena::flywheel {

/// In the order in which the rules are applied: a battle has the first that fits.
enum class Fate : std::uint8_t {
  kSelected,
  kInTestSet,
  kVoid,
  kMissingText,
  kCut,
  kNoDifficulty,
  kNoScore,
  kBothBad,
  kDisagreement,
  kTie,
  kSmallGap,
  kTargetWon,
  kLowScore,
  kSameAnswer,
  kEarlierTurns,
  kFormat,
  kNotBest,
  kDuplicate,
  kBeyondSize,
};
inline constexpr std::size_t kFates = 19;
/// "selected", "test-set", ...: what dropped rows and cards say.
std::string_view FateName(Fate fate);

/// Mean scores of both games.
struct BattleScores {
  double a = 0;
  double b = 0;
  double highest = 0;     ///< of the four
  bool disagree = false;  ///< the games name opposite winners
};
/// Nothing for a void battle.
std::optional<BattleScores> ScoresOf(const BattleDetail& detail);

/// An answer's text for each turn, as it may be trained on: without reasoning unless that is asked
/// for. Nothing where there is none for each of the instruction's open turns.
std::optional<std::vector<std::string>> TrainableTurns(const Instruction& instruction,
                                                       const Answer& answer, bool with_reasoning);

/// Whether it reached its limit of tokens.
bool IsCut(const Answer& answer);

/// What a selection remembers of a battle.
struct Candidate {
  Key battle;
  Key instruction;
  Key content;  ///< equal for battles that would give equal rows
  std::uint32_t contestant_a = 0;
  std::uint32_t contestant_b = 0;
  std::uint32_t category = 0;
  Fate fate = Fate::kSelected;
  bool is_void = false;
  bool disagree = false;
  bool answer_is_a = false;  ///< whose answer is chosen
  double score_a = 0;
  double score_b = 0;
  double rank = 0;        ///< a baseline takes the highest first
  double difficulty = 0;  ///< NaN: not known

  double answer_score() const { return answer_is_a ? score_a : score_b; }
  double margin() const { return answer_is_a ? score_a - score_b : score_b - score_a; }
};

/// Numbers for names, in the order in which they come.
class NamePool {
 public:
  std::uint32_t IndexOf(const std::string& name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

/// The battle judged by itself: every rule but those that compare battles. `names` and
/// `categories` get what they do not have yet.
Candidate JudgeAlone(const BattleDetail& detail, const SelectionSettings& settings,
                     const SelectionInputs& inputs, NamePool& names, NamePool& categories);

/// The rules that compare battles: one battle an instruction (kBest; always for prompts), no row
/// twice. Candidates are in the order of their keys, and stay.
void DropRepeated(const SelectionSettings& settings, std::vector<Candidate>& candidates);

/// No more than `size` battles, those with the highest rank first, then by a draw.
void LimitSize(const SelectionSettings& settings, std::vector<Candidate>& candidates);

/// Uniform in [0, 1), a function of the seed, the purpose and the key alone: what is drawn does not
/// depend on what else there is.
double Draw(std::uint64_t seed, std::string_view purpose, const Key& key);

/// Which of the draws are the `most` lowest; of equal ones the first.
std::vector<bool> LowestDraws(const std::vector<double>& draws, std::size_t most);

}  // namespace arena::flywheel
