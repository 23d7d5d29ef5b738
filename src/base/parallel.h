// A loop over independent work items on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace arena {

/// The number of threads to use when the user named none: the processors this process may use.
unsigned DefaultThreads();

/// Calls body(i) for every i in [0, count), on at most `threads` threads (0: DefaultThreads()).
/// Items are handed out in order, one at a time. Returns when all have finished. `body` must not
/// throw, and must be safe to call from several threads at once.
void ParallelFor(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& body);

}  // namespace arena
