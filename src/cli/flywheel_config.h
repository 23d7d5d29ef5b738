// The table [flywheel] of an arena.toml.
#pragma once

#include "cli/config.h"
#include "cli/toml_table.h"

namespace arena {

/// Reads the table into what `config` says of the flywheel; its endpoints are read before. What
/// [flywheel.fast] says wins where `fast`, and is checked in any case.
void ReadFlywheelTable(TableReader& table, bool fast, Config& config);

}  // namespace arena
