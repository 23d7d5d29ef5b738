// Streaming battles in key order.
#pragma once

#include "base/result.h"
#include "core/battle.h"
#include "store/internal/reader.h"
#include "store/store.h"

namespace arena::store {

/// Delivers the battles that the query asks for as ratings see them; see Store::ForEachBattle.
Status ScanBattles(Reader& reader, const BattleQuery& query, BattleSink sink);

/// The same battles with everything; see Store::ForEachDetail.
Status ScanDetails(Reader& reader, const BattleQuery& query,
                   FunctionRef<Status(const BattleDetail&)> sink);

/// See Store::FindBattle.
Result<BattleDetail> FindDetail(Reader& reader, std::string_view prefix);

}  // namespace arena::store
