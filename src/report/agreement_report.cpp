#include "report/agreement_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/board_text.h"
#include "report/internal/figures.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::FigureLine;
using report_internal::FigureToJson;
using report_internal::Unit;

std::vector<FigureLine> Lines(const Agreement& agreement) {
  const std::string contestants = fmt::format("{} contestants", agreement.common.size());
  const std::string pairs = CountNumber(static_cast<double>(agreement.pairs)) + " pairs";
  const std::string separated = CountNumber(static_cast<double>(agreement.reference_pairs)) +
                                " pairs that the reference separates";
  return {{"Spearman correlation", agreement.spearman, Unit::kPlain, contestants},
          {"Kendall tau-b", agreement.kendall, Unit::kPlain, contestants},
          {"agreement, reference pairs", agreement.agreement_reference_pairs, Unit::kPercent,
           separated},
          {"agreement, all pairs", agreement.agreement_all_pairs, Unit::kPercent, pairs},
          {"differentiation", agreement.differentiation, Unit::kPercent, pairs},
          {"differentiation of the reference", agreement.reference_differentiation, Unit::kPercent,
           pairs},
          {"Brier score (smaller is better)", agreement.brier, Unit::kPlain, pairs}};
}

std::string Separation(const PairDisagreement& pair) {
  if (pair.board_separates) {
    return pair.reference_separates ? "both" : "board";
  }
  return pair.reference_separates ? "reference" : "neither";
}

std::string RoundsText(const Agreement& agreement) {
  return fmt::format("{} intervals: bootstrap, {} rounds, seed {}", LevelPercent(agreement.level),
                     agreement.rounds, agreement.seed);
}

std::string MorePairs(const Agreement& agreement, std::size_t most_pairs) {
  return agreement.disagreements.size() > most_pairs
             ? fmt::format("... and {} more\n", agreement.disagreements.size() - most_pairs)
             : std::string();
}

std::string PairTable(const Agreement& agreement, const TableStyle& style, std::size_t most) {
  TextTable table({{"board puts above", Align::kLeft, Tone::kHeading, true},
                   {"reference puts above", Align::kLeft, Tone::kHeading, true},
                   {"gap in board"},
                   {"in reference"},
                   {"separated by", Align::kLeft}});
  for (std::size_t i = 0; i < std::min(most, agreement.disagreements.size()); ++i) {
    const PairDisagreement& pair = agreement.disagreements[i];
    table.AddRow({VisibleLine(pair.above), VisibleLine(pair.below), FixedNumber(pair.board_gap, 2),
                  FixedNumber(pair.reference_gap, 2), Separation(pair)});
  }
  return table.Render(style) + MorePairs(agreement, most);
}

std::string MissingText(const std::vector<std::string>& names, std::string_view where,
                        const TableStyle& style) {
  if (names.empty()) {
    return "";
  }
  std::vector<std::string> safe;
  for (const std::string& name : names) {
    safe.push_back(VisibleLine(name));
  }
  std::string out;
  for (const std::string& line :
       WrapText(fmt::format("only in {}: {}", where, fmt::join(safe, ", ")), style.width)) {
    out += Toned(line, Tone::kFaint, style) + '\n';
  }
  return out;
}

}  // namespace

std::string AgreementText(const Agreement& agreement, const TableStyle& style,
                          std::size_t most_pairs) {
  std::string out = FigureTable(Lines(agreement), agreement.level, style);
  if (agreement.disagreements.empty()) {
    out += "\nNo pair is in opposite order.\n";
  } else {
    out += fmt::format("\n{} of {} pairs are in opposite order:\n\n",
                       CountNumber(static_cast<double>(agreement.disagreements.size())),
                       CountNumber(static_cast<double>(agreement.pairs)));
    out += PairTable(agreement, style, most_pairs);
  }
  out += '\n' + Toned(RoundsText(agreement), Tone::kFaint, style) + '\n';
  out += MissingText(agreement.only_board, "the board", style);
  out += MissingText(agreement.only_reference, "the reference", style);
  return out + report_internal::WarningText(agreement.warnings, style);
}

std::string AgreementMarkdown(const Agreement& agreement, std::size_t most_pairs) {
  std::string out = FigureMarkdown(Lines(agreement), agreement.level);
  if (!agreement.disagreements.empty()) {
    const std::vector<std::string> heading{"Board puts above", "Reference puts above",
                                           "Gap in board", "In reference", "Separated by"};
    out +=
        '\n' + report_internal::MarkdownRow(heading) + report_internal::MarkdownAlignment("llrrl");
    for (std::size_t i = 0; i < std::min(most_pairs, agreement.disagreements.size()); ++i) {
      const PairDisagreement& pair = agreement.disagreements[i];
      out += report_internal::MarkdownRow({MarkdownText(pair.above), MarkdownText(pair.below),
                                           FixedNumber(pair.board_gap, 2),
                                           FixedNumber(pair.reference_gap, 2), Separation(pair)});
    }
    const std::string more = MorePairs(agreement, most_pairs);
    out += more.empty() ? "" : '\n' + more;
  }
  out += '\n' + RoundsText(agreement) + '\n';
  for (const std::string& warning : agreement.warnings) {
    out += "\n> **Warning:** " + MarkdownText(warning) + '\n';
  }
  return out;
}

Json AgreementToJson(const Agreement& agreement) {
  Json pairs = Json::array();
  for (const PairDisagreement& pair : agreement.disagreements) {
    pairs.push_back({{"above", pair.above},
                     {"below", pair.below},
                     {"board_gap", JsonNumber(pair.board_gap)},
                     {"reference_gap", JsonNumber(pair.reference_gap)},
                     {"board_separates", pair.board_separates},
                     {"reference_separates", pair.reference_separates}});
  }
  return {{"spearman", FigureToJson(agreement.spearman)},
          {"kendall", FigureToJson(agreement.kendall)},
          {"agreement_reference_pairs", FigureToJson(agreement.agreement_reference_pairs)},
          {"agreement_all_pairs", FigureToJson(agreement.agreement_all_pairs)},
          {"differentiation", FigureToJson(agreement.differentiation)},
          {"reference_differentiation", FigureToJson(agreement.reference_differentiation)},
          {"brier", FigureToJson(agreement.brier)},
          {"pairs", agreement.pairs},
          {"reference_pairs", agreement.reference_pairs},
          {"level", JsonNumber(agreement.level)},
          {"rounds", agreement.rounds},
          {"seed", agreement.seed},
          {"common", agreement.common},
          {"only_board", agreement.only_board},
          {"only_reference", agreement.only_reference},
          {"disagreements", std::move(pairs)},
          {"warnings", agreement.warnings}};
}

}  // namespace arena
