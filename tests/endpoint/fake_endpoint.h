// A model server that misbehaves by a script: plain sockets, so that it can break every rule.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "tests/endpoint/fake_replies.h"

namespace arena {

/// How often one request (path and body) came, and how often it got its whole good reply.
struct RequestCount {
  int received = 0;
  int delivered = 0;
  int faults = 0;
};
using RequestCounts = std::unordered_map<Key, RequestCount, KeyHash>;

/// Serves on a port of the loopback address, with one thread of its own. Thread-safe.
class FakeEndpoint {
 public:
  explicit FakeEndpoint(const FakeEndpointOptions& options);
  ~FakeEndpoint();

  int port() const;
  /// "http://127.0.0.1:PORT"
  std::string url() const;
  RequestCounts counts() const;
  std::int64_t received() const;
  /// The most requests that were being answered at once.
  int most_at_once() const;
  std::int64_t connections() const;
  /// Of the requests in batches, by their bodies: how often each was answered well.
  std::unordered_map<Key, int, KeyHash> batch_answers() const;
  std::size_t batches() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace arena
