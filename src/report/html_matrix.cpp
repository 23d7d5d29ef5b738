#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/internal/html_parts.h"
#include "report/numbers.h"
#include "report/visible.h"

namespace arena::report_internal {
namespace {

// Beyond this many contestants the cells are too small for figures; the titles keep them.
constexpr std::size_t kMostWithFigures = 24;

std::string Cell(const Board& board, std::size_t i, std::size_t j, bool figures) {
  if (i == j) {
    return "<td class=\"self\"></td>";
  }
  const double share = board.matrix.win_rate[i][j];
  const double battles = board.matrix.battles[i][j];
  const std::string pair = fmt::format("{} against {}", HtmlText(board.contestants[i].name),
                                       HtmlText(board.contestants[j].name));
  if (!std::isfinite(share)) {
    return fmt::format("<td class=\"never\" title=\"{}: never met\"></td>", pair);
  }
  return fmt::format("<td class=\"h{}\" title=\"{}: {}% of {}\">{}</td>", HeatLevel(share), pair,
                     FixedNumber(share * 100, 1), CountNumber(battles),
                     figures ? FixedNumber(share * 100, 0) : std::string());
}

std::string Legend(bool any_never) {
  std::string out = "<div class=\"legend\"><span>row loses</span><span class=\"ramp\">";
  for (int level = 0; level <= 10; ++level) {
    out += fmt::format("<i class=\"h{}\"></i>", level);
  }
  out += "</span><span>row wins</span>";
  if (any_never) {
    out += "<i class=\"never\"></i><span>never met</span>";
  }
  return out + "</div>\n";
}

bool HasMatrix(const Board& board) {
  const auto fits = [&](const std::vector<std::vector<double>>& table) {
    return table.size() == board.contestants.size() &&
           std::all_of(table.begin(), table.end(),
                       [&](const auto& row) { return row.size() == table.size(); });
  };
  return board.contestants.size() > 1 && fits(board.matrix.win_rate) && fits(board.matrix.battles);
}

bool AnyNeverMet(const Board& board) {
  for (std::size_t i = 0; i < board.contestants.size(); ++i) {
    for (std::size_t j = 0; j < board.contestants.size(); ++j) {
      if (i != j && !std::isfinite(board.matrix.win_rate[i][j])) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

int HeatLevel(double share) {
  // Rounded away from the middle on both sides, so that a pair's two cells mirror each other.
  return 5 + static_cast<int>(std::lround((std::clamp(share, 0.0, 1.0) - 0.5) * 10));
}

std::string WinMatrixTable(const Board& board) {
  if (!HasMatrix(board)) {
    return "";
  }
  const std::size_t count = board.contestants.size();
  const bool figures = count <= kMostWithFigures;
  std::string out = fmt::format(
      "<h3>Win matrix</h3>\n<p class=\"caption\">How often the contestant of the row beats that of "
      "the column, in percent, ties counted half.{}</p>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Win matrix\">"
      "<table class=\"heat{}\"><thead><tr><td class=\"self\"></td>",
      figures ? "" : " Point at a cell for its figures.", figures ? "" : " small");
  for (const BoardRow& row : board.contestants) {
    out += fmt::format("<th scope=\"col\" title=\"{0}\"><span>{0}</span></th>", HtmlText(row.name));
  }
  out += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < count; ++i) {
    out += fmt::format("<tr><th scope=\"row\" title=\"{0}\"><bdi>{0}</bdi></th>",
                       HtmlText(board.contestants[i].name));
    for (std::size_t j = 0; j < count; ++j) {
      out += Cell(board, i, j, figures);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n" + Legend(AnyNeverMet(board));
}

}  // namespace arena::report_internal
