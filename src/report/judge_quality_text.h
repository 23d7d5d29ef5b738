// How far a judge can be trusted, as text and JSON.
#pragma once

#include <string>

#include "base/json.h"
#include "rating/judge_quality.h"
#include "report/text_table.h"

namespace arena {

/// The report's figures with their intervals and what they are over, the table of labels against
/// votes, each family's figures and the warnings. Figures without a case are left out. Families are
/// made safe to print.
std::string JudgeQualityText(const JudgeQualityReport& report, const TableStyle& style);

/// Every field of JudgeQualityReport under its own name. A rate is {"value","lower","upper",
/// "count"}; what has no case is null. Numbers are rounded to 6 decimals.
Json JudgeQualityToJson(const JudgeQualityReport& report);

}  // namespace arena
