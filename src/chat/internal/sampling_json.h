// Sampling settings as they stand in requests and in what names an answer's origin.
#pragma once

#include "base/json.h"
#include "chat/generation.h"

namespace arena {

/// Adds every setting to an object, in a fixed order: keys hash it.
void AddSampling(const Sampling& sampling, Json& json);

}  // namespace arena
