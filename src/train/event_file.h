// TensorBoard's event files.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/internal/append_file.h"
#include "train/metric.h"

namespace arena::train {

/// An events.out.tfevents.* file: records of length, masked CRC-32C of the length, bytes and masked
/// CRC-32C of the bytes (TFRecord), whose bytes are tensorflow.Event messages in the wire format of
/// Protocol Buffers. The first one has the version "brain.Event:2". Movable. Not thread-safe.
class EventFile {
 public:
  using Time = std::chrono::system_clock::time_point;

  /// A new file in an existing folder. For a run that goes on (steps_done > 0) it starts with a
  /// session's start, upon which TensorBoard forgets what it read of later steps.
  static Result<EventFile> Create(const std::filesystem::path& folder, std::int64_t steps_done,
                                  Time now);

  /// One event with a simple value for each metric, in float32 as the format has it.
  Status Write(std::int64_t step, std::span<const Metric> metrics, Time now);

 private:
  explicit EventFile(internal::AppendFile file) : file_(std::move(file)) {}

  internal::AppendFile file_;
};

/// The CRC-32C (Castagnoli) of the bytes.
std::uint32_t Crc32c(std::string_view bytes);

}  // namespace arena::train
