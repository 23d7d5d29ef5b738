// What the LMSYS readers of CSV and of JSON share: names, labels and texts.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/internal/json_rows.h"

namespace arena {

/// The canonical names of all columns that a battle is read from.
inline constexpr auto kLmsysColumnNames = std::to_array<std::string_view>({
    "model_a",        "model_b",      "winner",       "winner_model_a",
    "winner_model_b", "winner_tie",   "instruction",  "question_id",
    "prompt",         "category",     "language",     "judge",
    "tstamp",         "response_a",   "response_b",   "sum_assistant_a_tokens",
    "header_count_a", "list_count_a", "bold_count_a", "sum_assistant_b_tokens",
    "header_count_b", "list_count_b", "bold_count_b",
});

/// Actual names of the columns, as the user mapped them.
class LmsysColumns {
 public:
  /// Error: a canonical name that the format does not have.
  static Result<LmsysColumns> Make(const std::map<std::string, std::string>& mapped);

  std::string_view operator()(std::string_view canonical) const;

 private:
  explicit LmsysColumns(const std::map<std::string, std::string>& mapped) : mapped_(mapped) {}
  const std::map<std::string, std::string>& mapped_;
};

/// A side's style columns: tokens, headers, lists, bold.
inline constexpr std::array<std::array<std::string_view, 4>, 2> kLmsysStyleColumns = {
    {{"sum_assistant_a_tokens", "header_count_a", "list_count_a", "bold_count_a"},
     {"sum_assistant_b_tokens", "header_count_b", "list_count_b", "bold_count_b"}}};

/// The one-hot columns of the 55k release and the share of model A that each stands for.
struct OneHotColumn {
  std::string_view name;
  double share_a;
};
inline constexpr std::array<OneHotColumn, 3> kLmsysOneHot = {
    {{"winner_model_a", 1}, {"winner_model_b", 0}, {"winner_tie", 0.5}}};

/// The share of the one column that is set; nothing unless exactly one is.
std::optional<double> OneHotShare(const std::array<bool, kLmsysOneHot.size()>& set);

/// "0", "1", "0.0", "1.0", "true", "false" (any case) as a boolean; nothing for other texts.
std::optional<bool> ParseFlag(std::string_view text);

/// Answers of the 55k release are JSON lists of one text per turn; others are plain text. Gives the
/// turns joined by empty lines. Not thread-safe.
class TurnsText {
 public:
  /// Valid until the next call or the cell's end of life.
  std::string_view Join(std::string_view cell);

 private:
  simdjson::dom::parser parser_;
  std::string joined_;
};

/// Appends a turn to a text, after an empty line if there is one before it.
void AppendTurn(std::string_view turn, std::string& text);

}  // namespace arena
