#include "report/data_card_text.h"

#include <fmt/format.h>

#include <string_view>

#include "report/board_text.h"
#include "report/internal/figures.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::MarkdownAlignment;
using report_internal::MarkdownRow;

std::string CardShare(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "n/a";
  return FixedNumber(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + "%";
}

std::string Heading(const DataCard& card) {
  const SelectionSettings& settings = card.settings;
  std::string out = fmt::format(
      "# Data card: {} data for {}\n\n{} rows in the format {}, selected by {}",
      TrainingKindName(settings.kind), MarkdownText(settings.target), CountNumber(card.rows),
      TrainerFormatName(settings.format), SelectionRuleName(settings.by));
  out += fmt::format(
      " from {} battles on {} instructions (judge: {}). {} battles ({}) on {} instructions ({}) "
      "were selected.\n",
      CountNumber(card.battles), CountNumber(card.instructions), MarkdownText(card.judge),
      CountNumber(card.selected), CardShare(card.selected, card.battles),
      CountNumber(card.instructions_selected),
      CardShare(card.instructions_selected, card.instructions));
  return out;
}

std::string SettingsText(const SelectionSettings& settings) {
  std::string rivals;
  for (const std::string& rival : settings.rivals) {
    rivals += (rivals.empty() ? "" : ", ") + MarkdownText(rival);
  }
  std::string out =
      "\n## Settings\n\n" + MarkdownRow({"Setting", "Value"}) + MarkdownAlignment("ll");
  const auto add = [&](std::string_view name, const std::string& value) {
    out += MarkdownRow({std::string(name), value});
  };
  add("rivals", settings.rivals.empty() ? "all" : rivals);
  add("category", settings.category.empty() ? "all" : MarkdownText(settings.category));
  add("k", PlainNumber(settings.k));
  add("rival choice", std::string(RivalChoiceName(settings.rival_choice)));
  add("pairs", std::string(PairChoiceName(settings.pairs)));
  add("floor", PlainNumber(settings.floor));
  add("lowest score", PlainNumber(settings.min_score));
  add("disagreement", std::string(DisagreementRuleName(settings.disagreement)));
  add("weight of a disagreement", PlainNumber(settings.disagreement_weight));
  add("size", settings.size == 0 ? "no limit" : CountNumber(settings.size));
  add("seed", std::to_string(settings.seed));
  add("replay", settings.replay ? PlainNumber(*settings.replay) : "all");
  add("reasoning", settings.with_reasoning ? "in the answers" : "left out");
  return out;
}

std::string DroppedText(const DataCard& card) {
  std::string out = "\n## Dropped battles\n\n";
  if (card.selected == card.battles) return out + "None.\n";
  out += MarkdownRow({"Reason", "Battles"}) + MarkdownAlignment("lr");
  for (const auto& [reason, count] : card.dropped) {
    if (count > 0) out += MarkdownRow({reason, CountNumber(count)});
  }
  return out;
}

std::string PairsText(const DataCard& card) {
  std::string out =
      "\n## Who won against whom\n\n" +
      MarkdownRow({"A", "B", "Battles", "A won", "Tied", "B won", "Void", "Selected"}) +
      MarkdownAlignment("llrrrrrr");
  for (const CardPair& pair : card.pairs) {
    out += MarkdownRow({MarkdownText(pair.a), MarkdownText(pair.b), CountNumber(pair.battles),
                        CountNumber(pair.a_won), CountNumber(pair.tied), CountNumber(pair.b_won),
                        CountNumber(pair.voided), CountNumber(pair.selected)});
  }
  if (card.answers_from.empty()) return out;
  out += '\n' + MarkdownRow({"Answers of", "New rows"}) + MarkdownAlignment("lr");
  for (const auto& [name, rows] : card.answers_from) {
    out += MarkdownRow({MarkdownText(name), CountNumber(rows)});
  }
  return out;
}

std::string CategoriesText(const DataCard& card) {
  std::string out = "\n## Categories\n\n" +
                    MarkdownRow({"Category", "Battles", "Selected", "Share"}) +
                    MarkdownAlignment("lrrr");
  for (const CardCategory& category : card.categories) {
    out += MarkdownRow({category.category.empty() ? "none" : MarkdownText(category.category),
                        CountNumber(category.battles), CountNumber(category.selected),
                        CardShare(category.selected, category.battles)});
  }
  return out;
}

void AddSummary(std::string_view name, const CardSummary& summary, std::string& out) {
  if (summary.count == 0) return;
  out += MarkdownRow({std::string(name), CountNumber(summary.count), FixedNumber(summary.min, 1),
                      FixedNumber(summary.median, 1), FixedNumber(summary.mean, 1),
                      FixedNumber(summary.max, 1)});
}

std::string NumbersText(const DataCard& card) {
  std::string out = "\n## Numbers\n\n" +
                    MarkdownRow({"Of new rows", "Count", "Least", "Median", "Mean", "Most"}) +
                    MarkdownAlignment("lrrrrr");
  AddSummary("prompt, characters", card.prompt_characters, out);
  AddSummary("prompt, tokens", card.prompt_tokens, out);
  AddSummary("answer, characters", card.answer_characters, out);
  AddSummary("answer, tokens", card.answer_tokens, out);
  AddSummary("rejected answer, characters", card.rejected_characters, out);
  AddSummary("rejected answer, tokens", card.rejected_tokens, out);
  AddSummary("margin of the scores", card.margin, out);
  AddSummary("difficulty of all instructions", card.difficulty, out);
  AddSummary("difficulty of the selected", card.difficulty_selected, out);
  return out + "\nTokens are words and marks, without any model's vocabulary.\n";
}

std::string TestSetText(const DataCard& card) {
  if (!card.has_test_set) return "\n## Test set\n\nNone was given, so nothing was compared.\n";
  return fmt::format(
      "\n## Test set\n\n{} instructions; {} of those considered ask the same and were removed. "
      "Rows "
      "that ask the same: {}.\n",
      CountNumber(card.test_instructions), CountNumber(card.overlap_removed),
      CountNumber(card.overlap_left));
}

std::string EarlierText(const CardEarlier& earlier) {
  if (earlier.rows == 0) return "";
  return fmt::format(
      "\n## Earlier selections\n\n{} rows: {} kept, {} not drawn, {} repeated, {} in the test "
      "set.\n",
      CountNumber(earlier.rows), CountNumber(earlier.kept), CountNumber(earlier.not_drawn),
      CountNumber(earlier.repeated), CountNumber(earlier.in_test_set));
}

std::string FilesText(const DataCard& card) {
  std::string out = "\n## Files\n\n" + MarkdownRow({"Use", "Name", "Rows", "Hash (XXH3)"}) +
                    MarkdownAlignment("llrl") +
                    MarkdownRow({"battles", "", CountNumber(card.battles), card.store_hash});
  for (const CardInput& input : card.inputs) {
    out += MarkdownRow({input.use, MarkdownText(input.name), CountNumber(input.rows), input.hash});
  }
  for (const CardOutput& output : card.outputs) {
    out +=
        MarkdownRow({"output", MarkdownText(output.name), CountNumber(output.rows), output.hash});
  }
  return out;
}

}  // namespace

std::string DataCardMarkdown(const DataCard& card) {
  return Heading(card) + SettingsText(card.settings) + DroppedText(card) + PairsText(card) +
         CategoriesText(card) + NumbersText(card) + TestSetText(card) + EarlierText(card.earlier) +
         FilesText(card);
}

}  // namespace arena
