// An item of a pool as a row of our files.
#pragma once

#include <string>

#include "base/json.h"
#include "core/pool_item.h"

namespace arena {

/// OpenAI messages with id, category and score where there are some, and the provenance: `file`,
/// line and the hash of the conversation.
Json PoolRow(const PoolItem& item, const std::string& file);

}  // namespace arena
