// The tables of arena.toml that name a model: [[contestant]] and [judge.model].
#pragma once

#include "cli/config.h"
#include "cli/toml_table.h"

namespace arena {

/// Reads all keys of a model that answers, which may refer to `endpoints`; what is missing is for
/// the caller to note.
void ReadContestantTable(TableReader& table, const EndpointConfigs& endpoints,
                         ContestantConfig& contestant);
/// The keys of a local checkpoint: docs/configuration.md#local-checkpoints.
void ReadLocalModel(TableReader& table, LocalModelOptions& model);

}  // namespace arena
