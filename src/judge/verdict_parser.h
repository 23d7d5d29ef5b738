// From a judge's reply to its verdict.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "judge/verdict_form.h"

namespace arena {

/// How much a reply may deviate from what was asked.
enum class VerdictReading {
  kStrict,    ///< the marks [[...]] that a reply has agree, or it is one JSON object
  kTolerant,  ///< else the last verdict that stands alone, in or out of brackets
};
/// "strict", "tolerant".
std::string_view VerdictReadingName(VerdictReading reading);
std::optional<VerdictReading> ParseVerdictReading(std::string_view name);

struct ReadVerdict {
  SeatScores scores;
  std::string explanation;  ///< the reply, or what a JSON object says in explanation
};

/// The verdict of `reply`, or nothing where it has none or contradicts itself: never a tie that
/// the judge did not say. docs/judges.md has the rules. Text before `</think>` is passed over, and
/// so are scores outside 1 to 10. Takes time linear in the reply (JSON objects: in 64 times the
/// reply). Thread-safe.
std::optional<ReadVerdict> ParseVerdict(VerdictForm form, std::string_view reply,
                                        VerdictReading reading);

}  // namespace arena
