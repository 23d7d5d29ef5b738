// The table [curate] of arena.toml.
#pragma once

#include "cli/toml_table.h"

namespace arena {

/// Reads and checks all of the table's keys (docs/curation.md).
void ReadCurateTable(TableReader& table, CurateConfig& curate);

}  // namespace arena
