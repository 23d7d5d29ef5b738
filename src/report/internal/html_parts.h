// Pieces of the HTML page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rating/board.h"

namespace arena::report_internal {

/// Text for HTML content and for attribute values in double quotes; made visible (VisibleLine)
/// first, so no control or bidirectional character passes.
std::string HtmlText(std::string_view text);

/// A page up to its heading: no script, no other file (Content-Security-Policy). The caller ends it
/// with "</main></body></html>". `more_style` follows PageStyle().
std::string PageBegin(std::string_view title, std::string_view more_style);

/// The page's style sheet. Holds no "</".
std::string_view PageStyle();

/// Values for an axis from about `lower` to `upper`: multiples of 1, 2 or 5 times a power of ten
/// that lie within, about `count` of them. Empty when the span is empty or not finite.
std::vector<double> NiceTicks(double lower, double upper, int count);

/// The interval plot: names beside one SVG with a dot and whisker for each contestant. Horizontal
/// places are percentages, so it takes any width without scaling its text.
std::string IntervalPlot(const Board& board);

/// All of one board: facts, warnings, interval plot, table, win matrix, style coefficients.
std::string BoardParts(const Board& board);

/// The win matrix as a table with coloured cells; empty where the board has none.
std::string WinMatrixTable(const Board& board);

/// Colour class 0 (the row always loses) to 10 (always wins) of a win share; 5 is even.
int HeatLevel(double share);

}  // namespace arena::report_internal
