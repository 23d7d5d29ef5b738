#include <fmt/format.h>

#include "report/board_text.h"
#include "report/flywheel_report.h"
#include "report/internal/figures.h"
#include "report/internal/flywheel_tables.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::MarkdownAlignment;
using report_internal::MarkdownRow;
using report_internal::ReportTable;

std::string TableMarkdown(const ReportTable& table) {
  std::vector<std::string> heading;
  for (const std::string& column : table.columns) heading.push_back(MarkdownText(column));
  std::string alignment(table.columns.size(), 'r');
  alignment.front() = 'l';
  std::string out = fmt::format("\n## {}\n\n{}\n\n", MarkdownText(table.title),
                                MarkdownText(table.caption));
  out += MarkdownRow(heading) + MarkdownAlignment(alignment);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const auto& cell : row) cells.push_back(MarkdownText(cell.text));
    out += MarkdownRow(cells);
  }
  return out;
}

std::string BattlesMarkdown(const FlywheelReport& report) {
  std::string out;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    if (report.stages[i].examples.empty()) continue;
    out += fmt::format("\n### {}\n\n", MarkdownText(report.status.stages[i].name));
    out += MarkdownRow({"Prompt", MarkdownText(report.status.stages[i].target), "Score", "Rival",
                        "Answer", "Score"}) +
           MarkdownAlignment("llrllr");
    for (const BattleExample& battle : report.stages[i].examples) {
      out += MarkdownRow({MarkdownText(battle.prompt), MarkdownText(battle.target_answer),
                          FixedNumber(battle.target_score, 1), MarkdownText(battle.rival),
                          MarkdownText(battle.rival_answer), FixedNumber(battle.rival_score, 1)});
    }
  }
  return out.empty() ? "" : "\n## Battles to read\n" + out;
}

}  // namespace

std::string FlywheelMarkdown(const FlywheelReport& report) {
  std::string out = "# Flywheel\n\n" + MarkdownRow({"", ""}) + MarkdownAlignment("ll");
  for (const auto& [name, value] : report_internal::FlywheelFacts(report)) {
    out += MarkdownRow({MarkdownText(name), MarkdownText(value)});
  }
  for (const ReportTable& table :
       {report_internal::StageTable(report), report_internal::SelectionTable(report),
        report_internal::CategoryTable(report), report_internal::TimeTable(report)}) {
    out += TableMarkdown(table);
  }
  out += "\n" + MarkdownText(report_internal::EfficiencyText(report)) + "\n";
  return out + BattlesMarkdown(report);
}

}  // namespace arena
