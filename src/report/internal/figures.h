// How figures with intervals are written, alike in every report.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "rating/figure.h"
#include "report/text_table.h"

namespace arena::report_internal {

/// {"value", "lower", "upper"}, or null where there is none.
Json FigureToJson(const std::optional<Figure>& figure);

/// How a figure's numbers are shown.
enum class Unit {
  kPlain,    ///< four digits after the point
  kPercent,  ///< a share of one as a percentage with two digits
};

std::string FigureValue(const std::optional<Figure>& figure, Unit unit);
std::string FigureInterval(const std::optional<Figure>& figure, Unit unit);

/// One line of a report: a figure, what it is over, and what it means.
struct FigureLine {
  std::string name;
  std::optional<Figure> figure;
  Unit unit = Unit::kPlain;
  std::string over;  ///< "171 pairs"; may be empty
};

/// The lines as a table for a terminal, and as Markdown. Names are ours, not outside text.
std::string FigureTable(const std::vector<FigureLine>& lines, double level,
                        const TableStyle& style);
std::string FigureMarkdown(const std::vector<FigureLine>& lines, double level);

/// Facts side by side, separated by dots, on lines of the style's width.
std::string FactText(const std::vector<std::string>& facts, const TableStyle& style);

/// Each warning on lines of the style's width.
std::string WarningText(const std::vector<std::string>& warnings, const TableStyle& style);

/// A Markdown row of cells that are already escaped.
std::string MarkdownRow(const std::vector<std::string>& cells);
/// The row under a Markdown heading; one letter per column, 'l' for left and 'r' for right.
std::string MarkdownAlignment(std::string_view columns);

}  // namespace arena::report_internal
