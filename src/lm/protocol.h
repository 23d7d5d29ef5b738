// The lines that arena-lm reads and writes: docs/formats/lm-protocol.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "lm/request.h"
#include "lm/scheduler.h"

namespace arena::lm {

inline constexpr std::int64_t kProtocolVersion = 1;

/// The first line: which model, and how much of the machine it may use.
struct HelloMessage {
  std::string model;               ///< a Hugging Face directory
  std::string precision = "auto";  ///< "auto", "f32", "bf16"
  std::int64_t max_batch = 64;     ///< sequences that run at once, 1..4096
  std::int64_t cache_mb = 512;     ///< 2^20 bytes of keys and values, 1..2^20
};
struct CancelMessage {
  std::string id;
};
struct StatsMessage {};

using Message = std::variant<HelloMessage, Request, CancelMessage, StatsMessage>;

/// A line that cannot be answered as asked, and whose it was where that could be read.
struct BadLine {
  std::string id;
  std::string message;
};

/// Parses one line. An unknown type or member, a missing one and a wrong type are errors that name
/// it. Thread-safe.
std::variant<Message, BadLine> ParseMessage(std::string_view line);

/// What the line "ready" says.
struct Ready {
  std::string precision;
  std::string kernels;
  std::int64_t context = 0;
  std::int64_t vocabulary = 0;
  std::vector<std::int64_t> eos;
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;
};

/// One line, without its end.
std::string ReadyLine(const Ready& ready);
std::string EventLine(const Event& event);
std::string StatsLine(const SchedulerStats& stats);
/// `id` empty: the line belongs to no request.
std::string ErrorLine(std::string_view id, std::string_view message);

}  // namespace arena::lm
