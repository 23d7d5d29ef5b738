#include <fmt/format.h>

#include <cmath>

#include "report/board_notes.h"
#include "report/board_text.h"
#include "report/internal/figures.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::MarkdownAlignment;
using report_internal::MarkdownRow;

std::string PercentOrNothing(double percent) {
  return std::isfinite(percent) ? FixedNumber(percent, 2) + "%" : "";
}

std::string RatingRows(const Board& board) {
  const bool length_control = HasLengthControl(board);
  const bool voids = HasVoids(board);
  std::vector<std::string> heading{"Rank",    "Contestant",
                                   "Rating",  LevelPercent(board.level) + " interval",
                                   "Battles", "Win rate"};
  if (length_control) {
    heading.emplace_back("LC win rate");
  }
  if (voids) {
    heading.insert(heading.end(), {"Void", "Win rate, voids lost", "Win rate, voids won"});
  }
  std::string out =
      MarkdownRow(heading) + MarkdownAlignment("rl" + std::string(heading.size() - 2, 'r'));
  const int decimals = RatingDecimals(board);
  for (const BoardRow& row : board.contestants) {
    std::vector<std::string> cells{
        std::to_string(row.rank),
        MarkdownText(row.name),
        FixedNumber(row.rating, decimals),
        fmt::format("{} to {}", FixedNumber(row.lower, decimals), FixedNumber(row.upper, decimals)),
        CountNumber(row.battles),
        PercentOrNothing(row.win_rate)};
    if (length_control) {
      cells.push_back(row.lc_win_rate ? PercentOrNothing(*row.lc_win_rate) : "");
    }
    if (voids) {
      cells.insert(cells.end(), {PercentOrNothing(row.void_share * 100),
                                 PercentOrNothing(row.win_rate_voids_lost),
                                 PercentOrNothing(row.win_rate_voids_won)});
    }
    out += MarkdownRow(cells);
  }
  return out;
}

std::string StyleRows(const Board& board) {
  const std::vector<std::string> heading{"Style feature", "Log odds per deviation",
                                         LevelPercent(board.level) + " interval"};
  std::string out = MarkdownRow(heading) + MarkdownAlignment("lrr");
  for (const StyleCoefficient& coefficient : board.style) {
    out += MarkdownRow({MarkdownText(coefficient.feature), FixedNumber(coefficient.value, 4),
                        fmt::format("{} to {}", FixedNumber(coefficient.lower, 4),
                                    FixedNumber(coefficient.upper, 4))});
  }
  return out;
}

}  // namespace

std::string MarkdownText(std::string_view text) {
  std::string out;
  for (const char c : VisibleLine(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~#!").find(c) != std::string_view::npos) {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

std::string BoardMarkdown(const Board& board) {
  std::string out;
  if (!board.category.empty()) {
    out += "## " + MarkdownText(board.category) + "\n\n";
  }
  out += RatingRows(board);
  if (!board.style.empty()) {
    out += '\n' + StyleRows(board);
  }
  std::vector<std::string> facts;
  for (const std::string& fact : BoardFacts(board)) {
    facts.push_back(MarkdownText(fact));
  }
  out += fmt::format("\n{}\n", fmt::join(facts, " \u00b7 "));
  for (const std::string& warning : board.warnings) {
    out += "\n> **Warning:** " + MarkdownText(warning) + '\n';
  }
  return out;
}

}  // namespace arena
