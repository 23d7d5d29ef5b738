// What all readers of outside files share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace arena {

struct ReadOptions {
  /// Skip rows that are not valid instead of stopping at the first; each is counted and the first
  /// few are kept for the report. A torn last line of a JSONL file is always skipped and reported.
  bool skip_bad_rows = false;
};

struct ReadReport {
  std::int64_t rows = 0;              ///< delivered
  std::int64_t bad_rows = 0;          ///< skipped
  std::vector<std::string> problems;  ///< the first 20, each "FILE:LINE: what is wrong"
};

}  // namespace arena
