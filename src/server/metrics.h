// What the server counts, as Prometheus reads it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace arena {

/// Values that others keep; read when the page is asked for.
struct ServerGauges {
  std::int64_t running = 0;  ///< sequences in the batches
  std::int64_t waiting = 0;  ///< sequences that wait for a place there
  std::int64_t worker_restarts = 0;
};

/// Thread-safe. Time series stay few: only known endpoints and statuses become labels.
class ServerMetrics {
 public:
  /// `endpoint` is a path that the server answers, never what a client sent.
  void CountRequest(const std::string& endpoint, int status);
  /// From the request's arrival to the end of its answer.
  void CountLatency(const std::string& endpoint, std::chrono::duration<double> latency);
  void CountTokens(std::int64_t prompt, std::int64_t completion);
  /// A client that left before its answer was complete.
  void CountAbandoned();

  /// Text format 0.0.4.
  std::string Page(const ServerGauges& gauges) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                     1,    2.5,   5,    10,  30,   120};  // seconds
  struct Histogram {
    std::array<std::int64_t, kBounds.size() + 1> counts{};  ///< the last: above all bounds
    double sum = 0;
  };

  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  std::map<std::pair<std::string, int>, std::int64_t> requests_;
  std::map<std::string, Histogram> latencies_;
  std::int64_t prompt_tokens_ = 0;
  std::int64_t completion_tokens_ = 0;
  std::int64_t abandoned_ = 0;
};

}  // namespace arena
