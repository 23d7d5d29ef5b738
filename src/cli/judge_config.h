// The table [judge] of arena.toml.
#pragma once

#include "cli/config.h"
#include "cli/toml_table.h"

namespace arena {

/// Reads and checks the keys of the judge's kind (docs/configuration.md), and of a jury's members.
void ReadJudgeTable(TableReader& table, JudgeConfig& judge);

}  // namespace arena
