// Sums of what calls have used.
#pragma once

#include "core/contestant.h"

namespace arena {

/// Adds the counts of another call.
inline void AddUsage(const Usage& more, Usage& usage) {
  usage.prompt_tokens += more.prompt_tokens;
  usage.completion_tokens += more.completion_tokens;
  usage.reasoning_tokens += more.reasoning_tokens;
  usage.cached_tokens += more.cached_tokens;
  usage.latency_ms += more.latency_ms;
  usage.cost_usd += more.cost_usd;
}

}  // namespace arena
