// The report of a flywheel run, for people.
#pragma once

#include <string>

#include "flywheel/run_report.h"

namespace arena {

/// What the report takes as the pace of a person who compares two answers, for the efficiency
/// figure: a battle a minute.
inline constexpr double kHumanBattlesPerHour = 60;

/// A whole page: ratings by stage, what each stage won and learned, exact match by category,
/// training curves, time, battles to read and the leaderboard. It needs no script and no other
/// file, its Content-Security-Policy forbids both, and all text of the data is escaped.
std::string FlywheelHtml(const FlywheelReport& report);

/// The same tables and battles as GitHub-flavoured Markdown.
std::string FlywheelMarkdown(const FlywheelReport& report);

}  // namespace arena
