#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/board_notes.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"

namespace arena::report_internal {
namespace {

constexpr int kRowHeight = 24;   // as .plot li in the style sheet
constexpr int kAxisHeight = 24;  // as the margin of .plot ol
constexpr std::size_t kLongPlot = 30;

/// Maps ratings to percent of the plot's width.
struct Axis {
  double lower = 0;
  double upper = 1;
  double Place(double value) const { return 100 * (value - lower) / (upper - lower); }
};

bool IsDrawable(const BoardRow& row) {
  return std::isfinite(row.rating) && std::isfinite(row.lower) && std::isfinite(row.upper);
}

Axis AxisOf(const Board& board) {
  Axis axis;
  bool first = true;
  for (const BoardRow& row : board.contestants) {
    if (IsDrawable(row)) {
      const double lower = std::min(row.lower, row.rating);
      const double upper = std::max(row.upper, row.rating);
      axis.lower = first ? lower : std::min(axis.lower, lower);
      axis.upper = first ? upper : std::max(axis.upper, upper);
      first = false;
    }
  }
  // Room at both ends for a dot and for half a tick label; something to divide by for one
  // contestant.
  const double length = axis.upper - axis.lower;
  const double room = length > 0 ? length * 0.04 : 1;
  axis.lower -= room;
  axis.upper += room;
  return axis;
}

int TickDecimals(const std::vector<double>& ticks) {
  if (ticks.size() < 2) {
    return 0;
  }
  const double step = ticks[1] - ticks[0];
  return step >= 1 ? 0 : std::min(6, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
}

std::string AxisLines(const Axis& axis, std::size_t rows) {
  const int bottom = kAxisHeight + kRowHeight * static_cast<int>(rows);
  const std::vector<double> ticks = NiceTicks(axis.lower, axis.upper, 6);
  std::string out;
  for (const double tick : ticks) {
    const std::string x = FixedNumber(axis.Place(tick), 2);
    const std::string label = FixedNumber(tick, TickDecimals(ticks));
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}%\" x2=\"{0}%\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text x=\"{0}%\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
        x, kAxisHeight, bottom, kAxisHeight - 8, label);
    if (rows > kLongPlot) {
      out += fmt::format("<text x=\"{}%\" y=\"{}\" text-anchor=\"middle\">{}</text>", x,
                         bottom + 16, label);
    }
    out += '\n';
  }
  return out;
}

std::string PlotRow(const Board& board, std::size_t index, const Axis& axis) {
  const BoardRow& row = board.contestants[index];
  const int top = kAxisHeight + kRowHeight * static_cast<int>(index);
  const int middle = top + kRowHeight / 2;
  if (!IsDrawable(row)) {
    return "";
  }
  const int decimals = RatingDecimals(board);
  return fmt::format(
      "<g><title>{}: {} ({} interval {} to {}), rank {}</title>"
      "<rect class=\"hit\" x=\"0\" y=\"{}\" width=\"100%\" height=\"{}\"/>"
      "<line class=\"whisker\" x1=\"{}%\" x2=\"{}%\" y1=\"{}\" y2=\"{}\"/>"
      "<circle class=\"dot\" cx=\"{}%\" cy=\"{}\" r=\"5\"/></g>\n",
      HtmlText(row.name), FixedNumber(row.rating, decimals), LevelPercent(board.level),
      FixedNumber(row.lower, decimals), FixedNumber(row.upper, decimals), row.rank, top, kRowHeight,
      FixedNumber(axis.Place(row.lower), 2), FixedNumber(axis.Place(row.upper), 2), middle, middle,
      FixedNumber(axis.Place(row.rating), 2), middle);
}

}  // namespace

std::vector<double> NiceTicks(double lower, double upper, int count) {
  std::vector<double> ticks;
  const double length = upper - lower;
  if (!std::isfinite(length) || length <= 0 || count < 1) {
    return ticks;
  }
  const double rough = length / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  const double first = std::ceil(lower / step - 1e-9);
  const double last = std::floor(upper / step + 1e-9);
  // A span far from zero may be narrower than a double can step through.
  if (!(last - first <= 2.0 * count + 2)) {
    return ticks;
  }
  for (double i = first; i <= last; ++i) {
    ticks.push_back(i * step);
  }
  return ticks;
}

std::string IntervalPlot(const Board& board) {
  const std::size_t rows = board.contestants.size();
  const Axis axis = AxisOf(board);
  const bool is_long = rows > kLongPlot;
  const int height =
      kAxisHeight + kRowHeight * static_cast<int>(rows) + (is_long ? kAxisHeight : 4);
  std::string out = fmt::format("<div class=\"plot{}\"><ol>\n", is_long ? " long" : "");
  for (const BoardRow& row : board.contestants) {
    const std::string name = HtmlText(row.name);
    out += fmt::format("<li title=\"{0}\"><bdi>{0}</bdi></li>\n", name);
  }
  out += fmt::format(
      "</ol><svg height=\"{}\" role=\"img\" aria-label=\"Ratings with their {} intervals, best "
      "first\">\n",
      height, LevelPercent(board.level));
  for (std::size_t i = 0; i < rows; i += 2) {
    out += fmt::format("<rect class=\"band\" x=\"0\" y=\"{}\" width=\"100%\" height=\"{}\"/>",
                       kAxisHeight + kRowHeight * static_cast<int>(i), kRowHeight);
  }
  out += '\n' + AxisLines(axis, rows);
  for (std::size_t i = 0; i < rows; ++i) {
    out += PlotRow(board, i, axis);
  }
  return out + "</svg></div>\n";
}

}  // namespace arena::report_internal
