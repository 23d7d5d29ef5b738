// The numbers of a run, step by step, for people and for TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "train/event_file.h"
#include "train/internal/append_file.h"
#include "train/metric.h"

namespace arena::train {

/// Writes OUT/metrics.jsonl, one object a step ({"step":7,"loss":1.5,...}, null for NaN and
/// infinity), and OUT/tensorboard/events.out.tfevents.*. What Write has written survives the end of
/// the process. Movable. Not thread-safe.
class MetricsWriter {
 public:
  /// For a run that has done `steps_done` steps (0: a new one). Lines of later steps, which will
  /// come again, and a last line that was cut off are dropped from metrics.jsonl; TensorBoard is
  /// told to forget them. `clock` must outlive the object. Errors: I/O; a line that is no object
  /// with a step.
  static Result<MetricsWriter> Open(const std::filesystem::path& out, std::int64_t steps_done,
                                    const Clock& clock);

  /// Once for each step, in ascending order.
  Status Write(std::int64_t step, std::span<const Metric> metrics);

 private:
  MetricsWriter(internal::AppendFile lines, EventFile events, const Clock& clock);

  internal::AppendFile lines_;
  EventFile events_;
  const Clock* clock_;
};

}  // namespace arena::train
