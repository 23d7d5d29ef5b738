#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace arena {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

Progress::Progress(std::string unit, const Clock& clock, bool quiet)
    : unit_(std::move(unit)),
      clock_(clock),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(clock.Steady()),
      shown_(start_) {}

bool Progress::IsTime() {
  if (quiet_) return false;
  const auto now = clock_.Steady();
  const auto pause = terminal_ ? milliseconds(100) : milliseconds(seconds(10));
  if (now - shown_ < pause) return false;
  shown_ = now;
  return true;
}

void Progress::Update(std::int64_t done, std::int64_t total, std::int64_t skipped,
                      const std::string& note) {
  if (!IsTime()) return;
  const double elapsed = duration<double>(shown_ - start_).count();
  const double rate = static_cast<double>(done - skipped) / elapsed;
  std::string line = fmt::format("{} of {} {} ({:.0f}%)", done, total, unit_,
                                 100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (rate > 0) {
    const duration<double> left(static_cast<double>(total - done) / rate);
    line += fmt::format(", {:.0f}/s, {} left", rate, FormatDuration(left));
  }
  if (!note.empty()) line += ", " + note;
  Print(line);
}

void Progress::Show(const std::string& line) {
  if (IsTime()) Print(line);
}

void Progress::Print(const std::string& line) {
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", line);
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

void Progress::Finish() {
  if (line_open_) fmt::print(stderr, "\r\x1b[K");
  line_open_ = false;
}

std::string FormatDuration(duration<double> value) {
  const auto total = static_cast<std::int64_t>(std::ceil(value.count()));
  if (total >= 3600) return fmt::format("{} h {:02} min", total / 3600, total % 3600 / 60);
  if (total >= 60) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} s", total);
}

}  // namespace arena
