#include "train/internal/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

namespace arena::train::internal {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Error Unavailable(std::string message) { return {ErrorCode::kUnavailable, std::move(message)}; }

Error SystemError(std::string_view action) {
  return Unavailable(fmt::format("cannot {}: {}", action, std::strerror(errno)));
}

Result<Addresses> Resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    return InvalidInput(
        fmt::format("the address {} is unknown: {}", endpoint.Text(), ::gai_strerror(error)));
  }
  return Addresses(found, &::freeaddrinfo);
}

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

// The same port on all addresses.
void Widen(sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    v4.sin_addr.s_addr = htonl(INADDR_ANY);
    std::memcpy(&address, &v4, sizeof v4);
    return;
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  v6.sin6_addr = in6addr_any;
  std::memcpy(&address, &v6, sizeof v6);
}

int MillisecondsLeft(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
}

// Until the socket can be read or written, or has an error.
Status WaitFor(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd item = {fd, events, 0};
    const int ready = ::poll(&item, 1, MillisecondsLeft(deadline));
    if (ready > 0) return {};
    if (ready == 0) return Unavailable("no answer before the deadline");
    if (errno != EINTR) return SystemError("wait for a connection");
  }
}

// One try; -1: errno says why not.
int TryConnect(const addrinfo& address, Deadline deadline) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return -1;
  if (::connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return -1;
    if (!WaitFor(socket.fd(), POLLOUT, deadline).ok()) {
      errno = ETIMEDOUT;
      return -1;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0) return -1;
  }
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket.Release();
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Endpoint::Text() const { return fmt::format("{}:{}", host, port); }

Result<Socket> Listen(const Endpoint& endpoint) {
  ARENA_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(endpoint));
  sockaddr_storage address{};
  std::memcpy(&address, addresses->ai_addr, addresses->ai_addrlen);
  if (!IsLoopback(addresses->ai_addr)) Widen(address);
  Socket socket(::socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return SystemError("make a socket");
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* const bound = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.fd(), bound, addresses->ai_addrlen) != 0 || ::listen(socket.fd(), 128) != 0) {
    return SystemError(fmt::format("listen on {}", endpoint.Text()));
  }
  return socket;
}

Result<Socket> ConnectTo(const Endpoint& endpoint, Deadline deadline) {
  ARENA_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(endpoint));
  while (true) {
    for (const addrinfo* address = addresses.get(); address != nullptr;
         address = address->ai_next) {
      const int fd = TryConnect(*address, deadline);
      if (fd >= 0) return Socket(fd);
    }
    if (MillisecondsLeft(deadline) == 0) return SystemError("connect to " + endpoint.Text());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<std::string> LocalAddress(const Socket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  char text[NI_MAXHOST];
  if (::getsockname(socket.fd(), any, &size) != 0 ||
      ::getnameinfo(any, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) {
    return SystemError("find this side's address");
  }
  return std::string(text);
}

Status SendAll(const Socket& socket, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      ARENA_RETURN_IF_ERROR(WaitFor(socket.fd(), POLLOUT, deadline));
    } else if (errno != EINTR) {
      return SystemError("send");
    }
  }
  return {};
}

Result<std::string> ReceiveAll(const Socket& socket, std::size_t size, Deadline deadline) {
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::recv(socket.fd(), bytes.data() + done, size - done, 0);
    if (got == 0) return Unavailable("the other side has closed the connection");
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      ARENA_RETURN_IF_ERROR(WaitFor(socket.fd(), POLLIN, deadline));
    } else if (errno != EINTR) {
      return SystemError("receive");
    }
  }
  return bytes;
}

}  // namespace arena::train::internal
