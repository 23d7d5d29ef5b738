// Requests to endpoints: one event-loop thread, hundreds in flight, limits and retries.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/interrupt.h"
#include "net/budget.h"
#include "net/http.h"
#include "net/lane.h"
#include "net/transport.h"

namespace arena {

/// What the caller found in a reply of status 2xx.
struct ReplyFinding {
  std::string
      problem{};  ///< why it is no usable reply, so that it is asked for again; empty: it is
  CallUse use{};  ///< where `problem` is empty
};

struct HttpCall {
  HttpRequest request;
  std::string tag{};  ///< tells calls with the same request apart
  CallNeeds needs;
  /// Looks at each reply of status 2xx, on the client's thread; null: all are usable.
  std::function<ReplyFinding(const HttpReply&)> inspect;
};

struct CallResult {
  CallEnd end = CallEnd::kDone;
  HttpReply reply;      ///< the last one that was complete
  std::string error;    ///< of the last attempt, or why there was none; empty for kDone
  int attempts = 0;     ///< requests sent
  int undelivered = 0;  ///< of them, those that the server may have worked on in vain
  std::chrono::milliseconds latency{0};  ///< of the last attempt
};

struct ClientCounts {
  std::int64_t requests = 0;     ///< sent
  std::int64_t undelivered = 0;  ///< that the server may have worked on in vain
  std::int64_t in_flight = 0;
};

struct HttpClientOptions {
  std::uint64_t seed = 1;        ///< of the waits between attempts
  Budget* budget = nullptr;      ///< shared by all endpoints; null: no cap
  const Clock* clock = nullptr;  ///< null: the system's
  std::function<bool()> interrupted = Interrupted;
};

/// All calls are thread-safe. Callers are threads that wait; the work is done by one thread of the
/// client, which the destructor ends (no call may be under way then).
class HttpClient {
 public:
  /// `transport` null: libcurl.
  static std::unique_ptr<HttpClient> Make(const HttpClientOptions& options,
                                          std::unique_ptr<Transport> transport = nullptr);
  virtual ~HttpClient() = default;

  using EndpointId = std::size_t;
  /// An endpoint with limits of its own.
  virtual EndpointId AddEndpoint(const LaneOptions& limits, const TransferLimits& transfers) = 0;
  /// Sends the request until it is answered or hopeless. When the user interrupts, what is on its
  /// way is finished, and what waits is kCancelled.
  virtual CallResult Call(EndpointId endpoint, const HttpCall& call) = 0;
  virtual ClientCounts counts() const = 0;
};

}  // namespace arena
