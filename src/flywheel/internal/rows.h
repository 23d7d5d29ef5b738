// The rows that a battle becomes, and what is noted of where they come from.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "flywheel/internal/candidate.h"
#include "formats/training_export.h"
#include "store/store.h"

namespace arena::flywheel {

/// A row with whose answer it is; for prompts nobody's.
struct SelectedRow {
  TrainingExample example;
  std::string answer_from;
};

/// The rows of a selected battle: two for KTO (the winner's answer, then the loser's), else one.
std::vector<SelectedRow> RowsOf(const BattleDetail& detail, const Candidate& candidate,
                                const SelectionSettings& settings);

/// What is noted of a row, as docs/selection.md describes it.
Json ProvenanceJson(const BattleDetail& detail, const Candidate& candidate, const SelectedRow& row,
                    const SelectionSettings& settings);

/// What is noted of a battle that was dropped.
Json DroppedJson(const BattleDetail& detail, const Candidate& candidate);

}  // namespace arena::flywheel
