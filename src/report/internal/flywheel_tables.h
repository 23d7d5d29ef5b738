// The tables of a flywheel's report, before they are HTML or Markdown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flywheel/run_report.h"

namespace arena::report_internal {

/// A cell: text that is not escaped yet and, where it is a share of one, the share for its colour.
struct ReportCell {
  std::string text;
  std::optional<double> share = std::nullopt;
};

struct ReportTable {
  std::string title;
  std::string caption;
  std::vector<std::string> columns;  ///< the first names the rows
  std::vector<std::vector<ReportCell>> rows;
};

/// Rating, exact match and win rates against each rival, by stage.
ReportTable StageTable(const FlywheelReport& report);
/// Battles on the shards and what of them is learned, by stage.
ReportTable SelectionTable(const FlywheelReport& report);
/// Exact match by category for rivals and stages.
ReportTable CategoryTable(const FlywheelReport& report);
/// Seconds of each part, by stage.
ReportTable TimeTable(const FlywheelReport& report);

/// "12,345 battles of two games in 4 min: 180,000 an hour, ...".
std::string EfficiencyText(const FlywheelReport& report);

/// Names and values that head the report.
std::vector<std::pair<std::string, std::string>> FlywheelFacts(const FlywheelReport& report);

}  // namespace arena::report_internal
