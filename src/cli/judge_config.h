// The table [judge] of arena.toml.
#pragma once

#include "cli/config.h"
#include "cli/toml_table.h"

namespace arena {

/// Reads and checks the keys of the judge's kind (docs/configuration.md), and of a jury's members.
/// A model that is asked may refer to `endpoints`.
void ReadJudgeTable(TableReader& table, const EndpointConfigs& endpoints, JudgeConfig& judge);

}  // namespace arena
