// Token ids.
#pragma once

#include <cstdint>

namespace arena::lm {

/// A row of the embedding, 0 <= token < vocab_size.
using Token = std::int32_t;

}  // namespace arena::lm
