// TCP sockets with deadlines.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace arena::train::internal {

using Deadline = std::chrono::steady_clock::time_point;

/// Owns a descriptor. Movable. Not thread-safe.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Endpoint {
  std::string host;
  int port = 0;
  std::string Text() const;
};

/// Listens on `host` where that is a loopback address, else on all addresses of its family.
Result<Socket> Listen(const Endpoint& endpoint);

/// Tries until the deadline, since the other side may start later. Errors: the name is unknown;
/// nobody listens.
Result<Socket> ConnectTo(const Endpoint& endpoint, Deadline deadline);

/// This side's address of a connection, as a number: "127.0.0.1".
Result<std::string> LocalAddress(const Socket& socket);

/// All of the bytes. Errors: the other side has closed; the deadline.
Status SendAll(const Socket& socket, std::string_view bytes, Deadline deadline);
Result<std::string> ReceiveAll(const Socket& socket, std::size_t size, Deadline deadline);

}  // namespace arena::train::internal
