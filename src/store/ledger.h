// What the calls of all runs on a store have used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/contestant.h"

namespace arena {

/// What the calls to one contestant or judge have used, all attempts included.
struct LedgerLine {
  std::string name;
  bool is_judge = false;
  bool superseded = false;  ///< an earlier version of its name
  std::int64_t done = 0;    ///< answers or games
  std::int64_t failed = 0;
  std::int64_t attempts = 0;  ///< requests, or whatever the producer counts
  Usage usage;
};

/// The contestants with answers, then the judges with games, of the store at `where` (as in
/// OpenStore). Errors: those of opening it for reading.
Result<std::vector<LedgerLine>> ReadLedger(std::string_view where);

}  // namespace arena
