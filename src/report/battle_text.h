// One battle with everything, for a terminal.
#pragma once

#include <string>

#include "core/battle.h"
#include "report/text_table.h"
#include "store/store.h"

namespace arena {

/// The instruction, both answers (side by side where the style is at least 110 columns wide), each
/// game with its seats, scores and the judge's words, and the outcome under the policy. Every text
/// comes from outside and is made safe to print: control characters appear as escapes, so no answer
/// can act on the terminal or forge a part of the page.
std::string BattleText(const BattleDetail& detail, const OutcomeOptions& outcome,
                       const TableStyle& style);

}  // namespace arena
