// A judge without a model: compares each answer with the instruction's reference.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/game.h"

namespace arena {

/// What "the same as the reference" means. docs/judges.md describes each in full.
enum class ReferenceMatch {
  kNumeric,  ///< the final number of the answer equals that of the reference
  kExact,    ///< byte for byte
  kText,     ///< after Unicode normalisation, without case, punctuation and extra space
  kChoice,   ///< the same letter of a multiple choice
  kEdit,     ///< graded by edit distance
  kGraded,   ///< one of several right answers of different worth; graded_reference.h
};
std::string_view ReferenceMatchName(ReferenceMatch match);
std::optional<ReferenceMatch> ParseReferenceMatch(std::string_view name);

struct ReferenceJudgeOptions {
  std::string name = "reference";  ///< what reports print; not empty
  ReferenceMatch match = ReferenceMatch::kNumeric;
  /// kNumeric: allowed |answer - reference| / |reference|, in [0, 1). Up to 1e-6 it is for rounding
  /// and leaves integers exact.
  double tolerance = 1e-6;
  /// kNumeric: take the last number of an answer that marks none. If false such an answer is wrong,
  /// unless it is a bare number.
  bool last_number = true;
  /// kNumeric: 12.5% is 0.125. If false the percent sign is a unit like any other: 12.5% is 12.5.
  bool percent_as_fraction = false;
  bool keep_punctuation = false;              ///< kText: punctuation counts
  bool drop_articles = false;                 ///< kText: a, an and the do not count
  std::string choice_letters = "ABCDEFGHIJ";  ///< kChoice: what may be chosen; different capitals
};

/// The judge is thread-safe. Scores: right 10, wrong or no answer found 1; kEdit: exact 10, else
/// 1 + min(8, floor(8 * (1 - distance / longer length))); kGraded: the worth of the right answer,
/// else 1 + floor((m - 2) * (1 - distance / longer length)) for the nearest right answer, m the
/// lowest worth (at least 2). An answer's score depends on it and the reference alone, so never on
/// its seat. A game without reference is failed as kMissing, one whose reference cannot be read as
/// kUnparsable. The behaviour (and so the judge's key) names the options of the chosen match only.
/// Error: kInvalidInput for an option out of its range.
Result<std::unique_ptr<Judge>> MakeReferenceJudge(const ReferenceJudgeOptions& options);

}  // namespace arena
