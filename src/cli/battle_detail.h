// A stored battle with everything, as other tools and people want it.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "core/battle.h"
#include "formats/export.h"
#include "store/store.h"

namespace arena {

/// Fills `battle` from `detail`; its views point into `battle` itself, which must not be moved
/// afterwards. Error: the policy does not fit the verdicts.
Status FillExport(const BattleDetail& detail, const OutcomeOptions& outcome,
                  ExportedBattle& battle);

/// The battle as one row of `arena export --format jsonl`, with the answers' and games' metadata.
Result<Json> BattleJson(const BattleDetail& detail, const OutcomeOptions& outcome);

/// One line for a list: key, instruction, who met and who won.
std::string BattleLine(const BattleDetail& detail, const OutcomeOptions& outcome);

}  // namespace arena
