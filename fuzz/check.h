// What the fuzz targets demand of a reader beyond not crashing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "formats/reading.h"

namespace arena::fuzz {

/// Ends the process, so that the fuzzer keeps the input.
inline void Demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

/// Reads every byte, so that a view that dangles is found.
inline void Touch(std::string_view text) {
  static volatile unsigned char sum;
  for (const char c : text) sum = static_cast<unsigned char>(sum ^ static_cast<unsigned char>(c));
}

/// Reads the same input twice, first stopping at a bad row and then skipping them. `read` is
/// Result<ReadReport>(ReadOptions, int& delivered).
template <typename Read>
void CheckBothModes(Read read) {
  int strict_rows = 0;
  const auto strict = read(ReadOptions{false}, strict_rows);
  int rows = 0;
  const auto lenient = read(ReadOptions{true}, rows);
  Demand(rows >= strict_rows, "skipping bad rows loses none");
  if (lenient.ok()) {
    Demand(lenient->rows == rows, "the report counts what was delivered");
    Demand(lenient->problems.size() <= 20, "few problems are kept");
    Demand((lenient->bad_rows == 0) == lenient->problems.empty(), "bad rows are listed");
  }
  if (!strict.ok()) {
    Demand(!strict.error().message.empty(), "an error says what is wrong");
    return;
  }
  Demand(lenient.ok(), "what is right remains right");
  Demand(strict->rows == strict_rows && strict_rows == rows, "both modes read the same");
  Demand(strict->bad_rows == lenient->bad_rows && strict->bad_rows <= 1, "only a torn line is bad");
}

}  // namespace arena::fuzz
