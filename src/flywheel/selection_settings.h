// The settings of a selection of training data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/training_export.h"

namespace arena {

/// What decides which instructions become training data.
enum class SelectionRule {
  kBattles,     ///< the verdicts: what the target loses (the paper's method)
  kRandom,      ///< baseline: a random draw
  kLength,      ///< baseline: the longest instructions
  kDifficulty,  ///< baseline: the highest difficulty scores
  kClusters,    ///< baseline: in turn from each of `clusters` groups of similar instructions
  kIfd,         ///< baseline: the highest instruction-following difficulty below 1
  kTags,        ///< baseline: the most tags (INSTAG's complexity)
};
std::string_view SelectionRuleName(SelectionRule rule);
std::optional<SelectionRule> ParseSelectionRule(std::string_view name);

/// What an instruction with several usable battles gives.
enum class RivalChoice {
  kBest,  ///< one battle: the one whose winner has the highest mean score
  kEach,  ///< all of them
};
std::string_view RivalChoiceName(RivalChoice choice);
std::optional<RivalChoice> ParseRivalChoice(std::string_view name);

/// Which battles are pairs of a winner and a loser (all kinds but SFT).
enum class PairChoice {
  kLosses,  ///< those that the target lost
  kTarget,  ///< those of the target with a winner, whoever it is
  kAll,     ///< those between rivals, too
};
std::string_view PairChoiceName(PairChoice choice);
std::optional<PairChoice> ParsePairChoice(std::string_view name);

/// What to do with a battle whose two games name opposite winners.
enum class DisagreementRule {
  kKeep,        ///< the mean score decides, as in any battle
  kExclude,     ///< drop it
  kDownWeight,  ///< keep it with probability `disagreement_weight`
};
std::string_view DisagreementRuleName(DisagreementRule rule);
std::optional<DisagreementRule> ParseDisagreementRule(std::string_view name);

/// "all" (nothing), "none" (0) or a ratio of earlier rows to new ones.
Result<std::optional<double>> ParseReplay(std::string_view text);

/// Every setting of a selection. Scores are the judge's, 1 to 10, means over both games.
struct SelectionSettings {
  std::string target;                    ///< the contestant to be trained
  std::vector<std::string> rivals = {};  ///< only against these; empty: against all
  std::string judge = {};                ///< needed where the store has several
  std::string category = {};             ///< only instructions of it; empty: all

  TrainingKind kind = TrainingKind::kSft;
  TrainerFormat format = TrainerFormat::kMessages;
  SelectionRule by = SelectionRule::kBattles;

  double k = 0;  ///< a battle is lost when the winner's score is higher by more than this
  RivalChoice rival_choice = RivalChoice::kBest;
  PairChoice pairs = PairChoice::kTarget;
  double floor = 4;      ///< kBattles: a battle with all four scores below is both-bad
  double min_score = 0;  ///< kBattles: the winner's score must reach this
  DisagreementRule disagreement = DisagreementRule::kKeep;
  double disagreement_weight = 0.5;  ///< 0 to 1

  int clusters = 100;      ///< kClusters: groups, by k-means
  std::int64_t size = 0;   ///< at most this many battles; 0: no limit. Baselines need one
  std::uint64_t seed = 1;  ///< of every draw

  /// Rows of earlier selections for each new row; nothing: all of them (accumulate), 0: none.
  std::optional<double> replay = std::nullopt;
  bool with_reasoning = false;  ///< put an answer's reasoning before it, in <think> tags
};

/// An error where settings are out of range or contradict each other.
Status CheckSettings(const SelectionSettings& settings);

}  // namespace arena
