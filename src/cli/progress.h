// Progress on stderr: a line that is rewritten on a terminal, one line per 10 s elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace arena {

/// Not thread-safe.
class Progress {
 public:
  /// `unit` is what is counted ("battles"). Nothing is printed when `quiet`.
  Progress(std::string unit, const Clock& clock, bool quiet);
  /// `skipped` of the `done` were finished before and do not count for the rate.
  /// `note` is added to the line.
  void Update(std::int64_t done, std::int64_t total, std::int64_t skipped,
              const std::string& note = "");
  /// A line of the caller's own in its place.
  void Show(const std::string& line);
  /// Ends the line on a terminal.
  void Finish();

 private:
  bool IsTime();
  void Print(const std::string& line);

  std::string unit_;
  const Clock& clock_;
  bool quiet_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
  bool line_open_ = false;
};

/// "1 h 05 min", "2 min 10 s", "7 s".
std::string FormatDuration(std::chrono::duration<double> duration);

}  // namespace arena
