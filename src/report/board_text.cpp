#include "report/board_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/board_notes.h"
#include "report/internal/figures.h"
#include "report/numbers.h"

namespace arena {
namespace {

constexpr int kLeastBar = 10;
constexpr int kMostBar = 30;
constexpr int kColumnGap = 2;
constexpr int kReadableName = 28;  // longer names may be cut to make space for the bar

/// The span that the bars of a board share.
struct Span {
  double lower = 0;
  double upper = 0;
};

Span SpanOf(const Board& board) {
  Span span;
  bool first = true;
  for (const BoardRow& row : board.contestants) {
    for (const double value : {row.lower, row.rating, row.upper}) {
      if (std::isfinite(value)) {
        span.lower = first ? value : std::min(span.lower, value);
        span.upper = first ? value : std::max(span.upper, value);
        first = false;
      }
    }
  }
  return span;
}

/// `value` as a position from 0 to width - 1.
int BarPosition(double value, const Span& span, int width) {
  const double length = span.upper - span.lower;
  const double share = length > 0 ? (value - span.lower) / length : 0.5;
  return static_cast<int>(std::lround(share * (width - 1)));
}

std::string IntervalBar(const BoardRow& row, const Span& span, int width, bool unicode) {
  if (!std::isfinite(row.lower) || !std::isfinite(row.rating) || !std::isfinite(row.upper)) {
    return "";
  }
  const int lower = BarPosition(row.lower, span, width);
  const int middle = BarPosition(row.rating, span, width);
  const int upper = BarPosition(row.upper, span, width);
  std::string bar;
  for (int i = 0; i <= std::max(upper, middle); ++i) {
    if (i == middle) {
      bar += unicode ? "\u25cf" : "o";
    } else if (i < lower) {
      bar += ' ';
    } else if (i == lower) {
      bar += unicode ? "\u251c" : "|";
    } else if (i == upper) {
      bar += unicode ? "\u2524" : "|";
    } else {
      bar += unicode ? "\u2500" : "-";
    }
  }
  return bar;
}

std::string IntervalText(const BoardRow& row, int decimals) {
  return fmt::format("{} .. {}", FixedNumber(row.lower, decimals),
                     FixedNumber(row.upper, decimals));
}

std::string Percent(double percent) {
  return std::isfinite(percent) ? FixedNumber(percent, 2) + "%" : "n/a";
}

/// The columns of a board's table and what one contestant has in them.
struct BoardColumns {
  bool length_control = false;
  bool voids = false;
  int bar_width = 0;  ///< 0: no bar
};

TextTable MakeTable(const Board& board, const TableStyle& style, const BoardColumns& shown) {
  std::vector<TextTable::Column> columns{{"rank"},
                                         {"contestant", Align::kLeft, Tone::kHeading, true},
                                         {"rating", Align::kRight, Tone::kHeading},
                                         {LevelPercent(board.level) + " interval"}};
  if (shown.bar_width > 0) {
    columns.push_back({"", Align::kLeft, Tone::kAccent});
  }
  columns.push_back({"battles"});
  columns.push_back({"win rate"});
  if (shown.length_control) {
    columns.push_back({"lc win"});
  }
  if (shown.voids) {
    columns.push_back({"void"});
    columns.push_back({"voids lost .. won"});
  }
  TextTable table(std::move(columns));
  const Span span = SpanOf(board);
  const int decimals = RatingDecimals(board);
  for (const BoardRow& row : board.contestants) {
    std::vector<std::string> cells{std::to_string(row.rank), VisibleLine(row.name),
                                   FixedNumber(row.rating, decimals), IntervalText(row, decimals)};
    if (shown.bar_width > 0) {
      const std::string bar = IntervalBar(row, span, shown.bar_width, style.unicode);
      cells.push_back(PadToWidth(bar, shown.bar_width, Align::kLeft));
    }
    cells.push_back(CountNumber(row.battles));
    cells.push_back(Percent(row.win_rate));
    if (shown.length_control) {
      cells.push_back(row.lc_win_rate ? Percent(*row.lc_win_rate) : "n/a");
    }
    if (shown.voids) {
      cells.push_back(Percent(row.void_share * 100));
      cells.push_back(Percent(row.win_rate_voids_lost) + " .. " + Percent(row.win_rate_voids_won));
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

/// The table with a bar as wide as there is space for, or without one. Long names give way to it.
std::string RatingTable(const Board& board, const TableStyle& style) {
  BoardColumns shown{HasLengthControl(board), HasVoids(board), 0};
  int name_width = 0;
  for (const BoardRow& row : board.contestants) {
    name_width = std::max(name_width, DisplayWidth(VisibleLine(row.name)));
  }
  const int needed = MakeTable(board, style, shown).NaturalWidth() + kColumnGap -
                     std::max(0, name_width - kReadableName);
  const int space = style.width - needed;
  if (space >= kLeastBar) {
    shown.bar_width = std::min(space, kMostBar);
  }
  return MakeTable(board, style, shown).Render(style);
}

std::string StyleTable(const Board& board, const TableStyle& style) {
  TextTable table({{"style feature", Align::kLeft},
                   {"log odds per deviation"},
                   {LevelPercent(board.level) + " interval"},
                   {"mean"},
                   {"deviation"}});
  for (const StyleCoefficient& coefficient : board.style) {
    table.AddRow({VisibleLine(coefficient.feature), FixedNumber(coefficient.value, 4),
                  fmt::format("{} .. {}", FixedNumber(coefficient.lower, 4),
                              FixedNumber(coefficient.upper, 4)),
                  FixedNumber(coefficient.mean, 4), FixedNumber(coefficient.deviation, 4)});
  }
  return table.Render(style);
}

}  // namespace

std::string BoardTable(const Board& board, const TableStyle& style) {
  std::string out;
  if (!board.category.empty()) {
    out += Toned("category: " + VisibleLine(board.category), Tone::kHeading, style) + '\n';
  }
  out += RatingTable(board, style);
  if (!board.style.empty()) {
    out += '\n' + StyleTable(board, style);
  }
  out += '\n' + report_internal::FactText(BoardFacts(board), style);
  return out + report_internal::WarningText(board.warnings, style);
}

}  // namespace arena
