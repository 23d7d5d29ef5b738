// A varied selection: in turn from each group of similar instructions.
#pragma once

#include <vector>

#include "base/result.h"
#include "flywheel/internal/candidate.h"
#include "flywheel/selection_settings.h"
#include "store/store.h"

namespace arena::flywheel {

/// Groups what the selected candidates ask by k-means of the embedded lexical embedding, and ranks
/// each candidate by its instruction's turn in its group: those of the first turn highest. Within a
/// group the seed draws the order. Reads the store twice for the texts; 1 KB for each instruction.
Status RankByClusters(Store& store, const BattleQuery& query, const SelectionSettings& settings,
                      std::vector<Candidate>& candidates);

}  // namespace arena::flywheel
