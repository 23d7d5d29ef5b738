// The table [curate] of arena.toml.
#pragma once

#include "cli/toml_table.h"

namespace arena {

/// The settings where the table is not there.
void SetCurateDefaults(CurateConfig& curate);

/// Reads and checks all of the table's keys (docs/curation.md).
void ReadCurateTable(TableReader& table, const EndpointConfigs& endpoints, CurateConfig& curate);

}  // namespace arena
