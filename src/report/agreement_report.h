// How two leaderboards agree, as text, Markdown and JSON.
#pragma once

#include <string>

#include "base/json.h"
#include "rating/agreement.h"
#include "report/text_table.h"

namespace arena {

/// The figures with their intervals, what they are over, the pairs that disagree (at most
/// `most_pairs`; how many more there are is said) and the warnings. Names are made safe to print.
std::string AgreementText(const Agreement& agreement, const TableStyle& style,
                          std::size_t most_pairs = 20);

/// The same as Markdown. Names cannot become markup.
std::string AgreementMarkdown(const Agreement& agreement, std::size_t most_pairs = 20);

/// Every field of Agreement under its own name; a figure is {"value","lower","upper"} or null, and
/// all disagreeing pairs are listed. Numbers are rounded to 6 decimals.
Json AgreementToJson(const Agreement& agreement);

}  // namespace arena
