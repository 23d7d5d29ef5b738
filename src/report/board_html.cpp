#include "report/board_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/board_notes.h"
#include "report/internal/html_charts.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"
#include "report/visible.h"

namespace arena {
namespace report_internal {

std::string HtmlText(std::string_view text) {
  std::string out;
  for (const char c : VisibleLine(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string PageBegin(std::string_view title, std::string_view more_style) {
  const std::string safe_title = HtmlText(title);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n";
  out += fmt::format("<title>{}</title>\n<style>{}{}</style>\n</head>\n<body><main>\n", safe_title,
                     PageStyle(), more_style);
  return out + fmt::format("<h1><bdi>{}</bdi></h1>\n", safe_title);
}

}  // namespace report_internal

namespace {

using report_internal::FactEntry;
using report_internal::HtmlText;

std::string BoardTitle(const Board& board) {
  return board.category.empty() ? "All battles" : board.category;
}

std::string FactList(const Board& board) {
  std::string intervals = board.ci.empty() ? "as recorded" : board.ci;
  if (board.bootstrap_rounds > 0) {
    intervals += fmt::format(", {} rounds", board.bootstrap_rounds);
  }
  std::string out = "<dl class=\"facts\">\n";
  out += FactEntry("Contestants", CountNumber(static_cast<double>(board.contestants.size())));
  out += FactEntry("Battles", CountNumber(board.battles));
  if (board.void_battles > 0) {
    out += FactEntry("Void battles", CountNumber(board.void_battles));
  }
  out += FactEntry("Rating", HtmlText(MethodTitle(board)));
  out += FactEntry(LevelPercent(board.level) + " intervals", HtmlText(intervals));
  if (!board.cluster.empty()) {
    out += FactEntry("Clustered by", HtmlText(board.cluster));
  }
  out += FactEntry("Seed", std::to_string(board.seed));
  if (!board.anchor.empty()) {
    out += FactEntry("Anchor", HtmlText(board.anchor));
  }
  return out + "</dl>\n";
}

std::string NumberCell(std::string_view text, std::string_view style = "") {
  return style.empty() ? fmt::format("<td>{}</td>", text)
                       : fmt::format("<td class=\"{}\">{}</td>", style, text);
}

std::string PercentDigits(double percent) { return FixedNumber(percent, 2); }

std::string TableHead(const Board& board) {
  std::string out = fmt::format(
      "<thead><tr><th scope=\"col\" class=\"name\"><span class=\"rank\">#</span>Contestant</th>"
      "<th scope=\"col\">Rating</th><th scope=\"col\">{} interval</th><th "
      "scope=\"col\">Battles</th>"
      "<th scope=\"col\">Win rate, %</th>",
      LevelPercent(board.level));
  if (HasLengthControl(board)) {
    out += "<th scope=\"col\">Length-controlled, %</th>";
  }
  if (HasVoids(board)) {
    out += "<th scope=\"col\">Void, %</th><th scope=\"col\">Win rate, voids lost \u2013 won</th>";
  }
  return out + "</tr></thead>\n";
}

std::string TableRow(const Board& board, const BoardRow& row) {
  const int decimals = RatingDecimals(board);
  const std::string name = HtmlText(row.name);
  std::string out = fmt::format(
      "<tr><th scope=\"row\" class=\"name\" title=\"{1}\"><span class=\"rank\">{0}</span>"
      "<bdi>{1}</bdi></th>",
      row.rank, name);
  out += NumberCell(FixedNumber(row.rating, decimals), "main");
  out += NumberCell(fmt::format("{} \u2013 {}", FixedNumber(row.lower, decimals),
                                FixedNumber(row.upper, decimals)),
                    "soft");
  out += NumberCell(CountNumber(row.battles)) + NumberCell(PercentDigits(row.win_rate));
  if (HasLengthControl(board)) {
    out += NumberCell(row.lc_win_rate ? PercentDigits(*row.lc_win_rate) : "n/a");
  }
  if (HasVoids(board)) {
    out += NumberCell(PercentDigits(row.void_share * 100));
    out += NumberCell(fmt::format("{} \u2013 {}", PercentDigits(row.win_rate_voids_lost),
                                  PercentDigits(row.win_rate_voids_won)),
                      "soft");
  }
  return out + "</tr>\n";
}

std::string RatingTable(const Board& board) {
  std::string out =
      "<h3>Leaderboard</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Leaderboard\"><table class=\"figures\">" +
      TableHead(board) + "<tbody>\n";
  for (const BoardRow& row : board.contestants) {
    out += TableRow(board, row);
  }
  return out + "</tbody></table></div>\n";
}

std::string StyleTable(const Board& board) {
  if (board.style.empty()) {
    return "";
  }
  std::string out = fmt::format(
      "<h3>Style coefficients</h3>\n<p class=\"caption\">Change of the log odds of winning per "
      "standard deviation of each style difference.</p>\n<div class=\"scroll\"><table "
      "class=\"figures style\"><thead><tr><th scope=\"col\" class=\"name\">Feature</th><th "
      "scope=\"col\">Coefficient</th><th scope=\"col\">{} interval</th></tr></thead><tbody>\n",
      LevelPercent(board.level));
  for (const StyleCoefficient& coefficient : board.style) {
    out += fmt::format("<tr><th scope=\"row\" class=\"name\">{}</th>{}{}</tr>\n",
                       HtmlText(coefficient.feature),
                       NumberCell(FixedNumber(coefficient.value, 4), "main"),
                       NumberCell(fmt::format("{} to {}", FixedNumber(coefficient.lower, 4),
                                              FixedNumber(coefficient.upper, 4)),
                                  "soft"));
  }
  return out + "</tbody></table></div>\n";
}

std::string BoardSection(const Board& board, std::size_t index, bool headed) {
  std::string out = fmt::format("<section class=\"board\" id=\"board-{}\">\n", index + 1);
  if (headed) {
    out += fmt::format("<h2><bdi>{}</bdi></h2>\n", HtmlText(BoardTitle(board)));
  }
  return out + report_internal::BoardParts(board) + "</section>\n";
}

std::string Navigation(const std::vector<Board>& boards) {
  if (boards.size() < 2) {
    return "";
  }
  std::string out = "<nav aria-label=\"Categories\">\n";
  for (std::size_t i = 0; i < boards.size(); ++i) {
    out += fmt::format("<a href=\"#board-{}\">{}</a>\n", i + 1, HtmlText(BoardTitle(boards[i])));
  }
  return out + "</nav>\n";
}

/// The notes of all boards, each sentence once.
std::string Notes(const std::vector<Board>& boards) {
  std::vector<std::string> notes;
  for (const Board& board : boards) {
    for (std::string& note : BoardNotes(board)) {
      if (boards.size() > 1 && note.find(" battles were used.") != std::string::npos) {
        note = BoardTitle(board) + ": " + note;
      }
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) {
        notes.push_back(std::move(note));
      }
    }
  }
  std::string out = "<footer class=\"notes\"><h2>How to read this page</h2>\n<ul>\n";
  for (const std::string& note : notes) {
    out += "<li>" + HtmlText(note) + "</li>\n";
  }
  return out + "</ul></footer>\n";
}

}  // namespace

std::string report_internal::BoardParts(const Board& board) {
  std::string out = FactList(board) + WarningList(board.warnings);
  out += fmt::format(
      "<h3>Ratings</h3>\n<p class=\"caption\">Dot: rating. Line: {} interval. Contestants whose "
      "lines overlap are not told apart.</p>\n",
      LevelPercent(board.level));
  out += IntervalPlot(board) + RatingTable(board);
  return out + WinMatrixTable(board) + StyleTable(board);
}

std::string BoardHtml(const std::vector<Board>& boards, std::string_view title) {
  std::string out = report_internal::PageBegin(title, "");
  out += Navigation(boards);
  for (std::size_t i = 0; i < boards.size(); ++i) {
    const bool headed = boards.size() > 1 || !boards[i].category.empty();
    out += BoardSection(boards[i], i, headed);
  }
  return out + Notes(boards) + "</main></body>\n</html>\n";
}

}  // namespace arena
