// The OpenAI-compatible HTTP server: docs/formats/openai-api.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "chat/local_model.h"
#include "server/service.h"

namespace arena {

struct ServerOptions {
  ServiceOptions service;
  std::string host = "127.0.0.1";
  int port = 0;  ///< 0: any free one
  /// Clients must send it as a bearer token; empty: nobody is asked, and only loopback is allowed.
  std::string token = {};
  std::size_t max_body_bytes = std::size_t{8} << 20;
};

/// Answers in threads of its own, one for each connection, from Start on. Thread-safe.
class ApiServer {
 public:
  /// Errors: an address that cannot be listened on; one that others can reach without a token.
  /// `model` and `clock` outlive the object.
  static Result<std::unique_ptr<ApiServer>> Start(LocalModel& model, const Clock& clock,
                                                  const ServerOptions& options);
  /// Stops at once.
  virtual ~ApiServer() = default;

  virtual int port() const = 0;
  /// "http://127.0.0.1:8080"
  virtual std::string url() const = 0;

  /// Refuses new requests with 503, waits up to `grace` for the others, cancels what is left and
  /// closes. True: nothing had to be cancelled. Once.
  virtual bool Stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace arena
