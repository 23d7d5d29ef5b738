// What a training run tells the program that started it: one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "train/metric.h"

namespace arena::train {

/// What a run is, at its start.
struct RunFacts {
  std::int64_t steps = 0;
  std::int64_t step = 0;  ///< steps done already
  std::int64_t parameters = 0, trainable = 0;
  std::int64_t examples = 0;
  std::string_view precision;
  int ranks = 1;
  bool resumed = false;
};

/// Writes events to a file descriptor, each at once; docs/formats/training-job.md. One that is
/// silent writes nothing: all ranks but the first. A reader that went away is no error: the run
/// goes on. Not thread-safe.
class Events {
 public:
  explicit Events(int fd) : fd_(fd) {}
  static Events Silent() { return Events(-1); }

  void Start(const RunFacts& facts);
  void Step(std::int64_t step, std::int64_t steps, double eta_seconds,
            std::span<const Metric> metrics);
  void Evaluated(std::int64_t step, std::span<const Metric> metrics);
  void Saved(std::int64_t step, const std::filesystem::path& path);
  void Warn(std::string_view message);
  void Done(std::int64_t step, double seconds);
  void Fail(std::string_view message, bool is_usage);

 private:
  void Write(const std::string& line);

  int fd_;
};

}  // namespace arena::train
