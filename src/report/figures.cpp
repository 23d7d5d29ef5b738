#include "report/internal/figures.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/numbers.h"

namespace arena::report_internal {
namespace {

std::string InUnit(double value, Unit unit) {
  return unit == Unit::kPercent ? FixedNumber(value * 100, 2) + "%" : FixedNumber(value, 4);
}

}  // namespace

Json FigureToJson(const std::optional<Figure>& figure) {
  if (!figure) {
    return nullptr;
  }
  return {{"value", JsonNumber(figure->value)},
          {"lower", JsonNumber(figure->lower)},
          {"upper", JsonNumber(figure->upper)}};
}

std::string FigureValue(const std::optional<Figure>& figure, Unit unit) {
  return figure ? InUnit(figure->value, unit) : "n/a";
}

std::string FigureInterval(const std::optional<Figure>& figure, Unit unit) {
  return figure ? InUnit(figure->lower, unit) + " .. " + InUnit(figure->upper, unit) : "";
}

std::string FigureTable(const std::vector<FigureLine>& lines, double level,
                        const TableStyle& style) {
  TextTable table({{"figure", Align::kLeft, Tone::kPlain, true},
                   {"value", Align::kRight, Tone::kHeading},
                   {LevelPercent(level) + " interval"},
                   {"over", Align::kLeft, Tone::kFaint}});
  for (const FigureLine& line : lines) {
    table.AddRow({line.name, FigureValue(line.figure, line.unit),
                  FigureInterval(line.figure, line.unit), line.over});
  }
  return table.Render(style);
}

std::string FigureMarkdown(const std::vector<FigureLine>& lines, double level) {
  const std::vector<std::string> heading{"Figure", "Value", LevelPercent(level) + " interval",
                                         "Over"};
  std::string out = MarkdownRow(heading) + MarkdownAlignment("lrrl");
  for (const FigureLine& line : lines) {
    out += MarkdownRow({line.name, FigureValue(line.figure, line.unit),
                        FigureInterval(line.figure, line.unit), line.over});
  }
  return out;
}

std::string FactText(const std::vector<std::string>& facts, const TableStyle& style) {
  const std::string separator = style.unicode ? " \u00b7 " : "; ";
  std::string out;
  std::string line;
  for (const std::string& fact : facts) {
    const std::string safe = VisibleLine(fact);
    std::string longer = line.empty() ? safe : line + separator + safe;
    if (!line.empty() && DisplayWidth(longer) > style.width) {
      out += Toned(line, Tone::kFaint, style) + '\n';
      longer = safe;
    }
    line = std::move(longer);
  }
  return out + Toned(line, Tone::kFaint, style) + '\n';
}

std::string WarningText(const std::vector<std::string>& warnings, const TableStyle& style) {
  std::string out;
  for (const std::string& warning : warnings) {
    for (const std::string& line : WrapText("warning: " + VisibleLine(warning), style.width)) {
      out += Toned(line, Tone::kWarning, style) + '\n';
    }
  }
  return out;
}

std::string MarkdownRow(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string MarkdownAlignment(std::string_view columns) {
  std::string row = "|";
  for (const char column : columns) {
    row += column == 'l' ? " :--- |" : " ---: |";
  }
  return row + '\n';
}

}  // namespace arena::report_internal
