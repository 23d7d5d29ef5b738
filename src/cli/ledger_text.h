// The ledger as a table and as JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "report/text_table.h"
#include "store/ledger.h"

namespace arena {

/// One row for each contestant and judge, and the sum of the costs.
std::string LedgerText(const std::vector<LedgerLine>& lines, const TableStyle& style);
/// [{"name", "judge", "superseded", "done", "failed", "attempts", tokens ..., "cost_usd"}, ...]
Json LedgerJson(const std::vector<LedgerLine>& lines);

}  // namespace arena
