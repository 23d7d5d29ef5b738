// The parts of a judge's reply that can be a verdict.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "judge/verdict_form.h"

namespace arena::judge_internal {

/// Without the white space, quotes, brackets of emphasis and punctuation around it.
std::string_view StripDecoration(std::string_view text);

/// A line without words such as "Final verdict:" at its beginning.
struct Unlabelled {
  std::string_view rest;
  bool had_label = false;
};
Unlabelled StripLabel(std::string_view line);

/// The value of what stands in [[...]]: nothing but the value is allowed.
std::optional<SeatScores> MarkValue(VerdictForm form, std::string_view content);

/// The value of a text in which nothing else stands; takes "Assistant A is better", "(A)", "[7]",
/// "8/10" and "\boxed{A}", too.
std::optional<SeatScores> PlainValue(VerdictForm form, std::string_view text);

/// One line of seats' scores, "Assistant A: 8/10, Assistant B: 5": what it says of each. Nothing
/// where the line says anything else.
struct NamedScores {
  std::optional<double> first;
  std::optional<double> second;
};
NamedScores ReadNamedScores(std::string_view line);

/// The verdict of an object with members such as "score_a" and "score_b", "verdict" or "rating".
std::optional<SeatScores> JsonValue(VerdictForm form, const Json& object);

}  // namespace arena::judge_internal
