#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace arena {
namespace {

void AddHeader(std::string& page, std::string_view name, std::string_view type,
               std::string_view help) {
  fmt::format_to(std::back_inserter(page), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void AddValue(std::string& page, std::string_view name, std::string_view type,
              std::string_view help, std::int64_t value) {
  AddHeader(page, name, type, help);
  fmt::format_to(std::back_inserter(page), "{} {}\n", name, value);
}

}  // namespace

void ServerMetrics::CountRequest(const std::string& endpoint, int status) {
  const std::lock_guard lock(mutex_);
  ++requests_[{endpoint, status}];
}

void ServerMetrics::CountLatency(const std::string& endpoint,
                                 std::chrono::duration<double> latency) {
  const double seconds = latency.count();
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  const std::lock_guard lock(mutex_);
  Histogram& histogram = latencies_[endpoint];
  ++histogram.counts[static_cast<std::size_t>(bound - kBounds.begin())];
  histogram.sum += seconds;
}

void ServerMetrics::CountTokens(std::int64_t prompt, std::int64_t completion) {
  const std::lock_guard lock(mutex_);
  prompt_tokens_ += prompt;
  completion_tokens_ += completion;
}

void ServerMetrics::CountAbandoned() {
  const std::lock_guard lock(mutex_);
  ++abandoned_;
}

std::string ServerMetrics::Page(const ServerGauges& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string page;
  const auto out = std::back_inserter(page);
  AddHeader(page, "arena_requests_total", "counter", "Requests answered, by endpoint and status.");
  for (const auto& [labels, count] : requests_) {
    fmt::format_to(out, "arena_requests_total{{endpoint=\"{}\",status=\"{}\"}} {}\n", labels.first,
                   labels.second, count);
  }
  AddHeader(page, "arena_request_duration_seconds", "histogram",
            "From a request's arrival to the end of its answer.");
  for (const auto& [endpoint, histogram] : latencies_) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      total += histogram.counts[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      fmt::format_to(out, "arena_request_duration_seconds_bucket{{endpoint=\"{}\",le=\"{}\"}} {}\n",
                     endpoint, bound, total);
    }
    fmt::format_to(out, "arena_request_duration_seconds_sum{{endpoint=\"{}\"}} {}\n", endpoint,
                   histogram.sum);
    fmt::format_to(out, "arena_request_duration_seconds_count{{endpoint=\"{}\"}} {}\n", endpoint,
                   total);
  }
  AddValue(page, "arena_prompt_tokens_total", "counter", "Tokens of answered prompts.",
           prompt_tokens_);
  AddValue(page, "arena_completion_tokens_total", "counter", "Tokens generated.",
           completion_tokens_);
  AddValue(page, "arena_requests_abandoned_total", "counter",
           "Requests whose client left before the answer was complete.", abandoned_);
  AddValue(page, "arena_sequences_running", "gauge", "Sequences in the running batches.",
           gauges.running);
  AddValue(page, "arena_sequences_waiting", "gauge", "Sequences that wait for a place in a batch.",
           gauges.waiting);
  AddValue(page, "arena_worker_restarts_total", "counter",
           "Workers that died, stalled or answered garbage.", gauges.worker_restarts);
  return page;
}

}  // namespace arena
