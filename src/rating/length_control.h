// AlpacaEval-style length-controlled win rates against a baseline.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "rating/board.h"
#include "rating/dataset.h"
#include "rating/rate.h"

namespace arena {

/// How the coefficients are penalised.
enum class LengthControlFit {
  /// ridge/2 * sum of squares, beside a log likelihood in which one battle counts once.
  kRidge,
  /// The sum of absolute values beside C times the log likelihood; C is the one of ten values from
  /// 1e-4 to 1e4 (spaced evenly in their logarithm) whose held-out log likelihood is best in 5-fold
  /// cross-validation. This is AlpacaEval's fit; its folds and its solver's early stopping are not
  /// repeated, so figures agree closely and not to the last digit.
  kCrossValidatedLasso,
};

/// One row of the table of answers in which the baseline was told to be longer or shorter than
/// itself. They enter every contestant's fit without its theta, and pull phi and psi towards what
/// length alone does.
struct GamedBaselineRow {
  std::string model;                ///< which gamed baseline
  double preference = 0.5;          ///< the gamed answer's share, in [0, 1]
  double baseline_minus_model = 0;  ///< difference of lengths in standard deviations, in
                                    ///< AlpacaEval's direction
  double difficulty = 0;
};

/// AlpacaEval's side tables, where the user has them. Without them the method is the same and the
/// figures are not to be compared with AlpacaEval's published ones: its tables pull phi down and
/// spread the instructions, both of which lower the figure of contestants that write less than the
/// baseline. On eight of its own result files ours are 2 to 5 points above the published for most,
/// 9 for claude-2, 13 to 14 for the tersest (alpaca_eval_test.cpp).
struct LengthControlOptions {
  LengthControlFit fit = LengthControlFit::kRidge;
  double ridge = 1e-3;  ///< kRidge, > 0; keeps a contestant that never wins finite
  /// Instruction (as in BattleRecord::instruction) -> difficulty. Empty: no difficulty term.
  /// Otherwise it must hold every instruction.
  std::unordered_map<std::string, double> difficulty{};
  std::vector<GamedBaselineRow> gamed{};
  double gamed_weight = 0.2;  ///< weight of a gamed row, divided by the number of gamed baselines
};

/// One contestant's fit of
///   logit P(it beats the baseline) = phi * tanh((length - baseline's length) / deviation)
///                                  + psi * difficulty + theta.
struct LengthControlCoefficients {
  std::string name;
  double phi = 0;
  double psi = 0;  ///< 0 without a difficulty table
  double theta = 0;
  double deviation = 0;  ///< sample standard deviation of the length differences; 0: all are alike,
                         ///< and there is no length term
  double inverse_penalty = 0;  ///< the C that cross-validation chose; 0 with the ridge
  double lc_win_rate = 0;      ///< percent
  std::int64_t battles = 0;
};

/// The coefficients of every contestant but the baseline, by name. Errors as
/// RateLengthControlled().
Result<std::vector<LengthControlCoefficients>> FitLengthControl(
    const Dataset& data, const RatingOptions& options,
    const LengthControlOptions& length_control = {});

/// The length-controlled win rate of each contestant against options.baseline: 100 times the mean
/// over its battles of the fitted P at no difference of length. Targets may be fractions, so build
/// the dataset with OutcomePolicy::kEachGame, which keeps them. The length of an answer is what the
/// source counted in StyleCounts::tokens; AlpacaEval's unit is characters, so put those there to
/// compare with it (the unit itself cancels).
///
/// Board: rating and lc_win_rate are that figure in percent, the baseline's is 50; win_rate is the
/// raw one against the baseline. An empty options.baseline means the one contestant that takes part
/// in every battle. Battles without the baseline are left out, with a warning. Intervals: sandwich
/// (the influence of each instruction on fit and mean, bounds symmetric in log odds), or bootstrap
/// over instructions, the same ones for all contestants in a round, with length deviation and C
/// kept; the rating is then the median. An anchor has no meaning here and is warned of.
///
/// Errors (kInvalidInput): no battles, a dataset built without keep_style, an unknown or undecided
/// baseline, a contestant that never met it, an instruction that the difficulty table lacks, tables
/// or options out of range.
Result<Board> RateLengthControlled(const Dataset& data, const RatingOptions& options,
                                   const LengthControlOptions& length_control = {});

}  // namespace arena
