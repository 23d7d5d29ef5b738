#include "server/internal/connections.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace arena {
namespace {

int Port(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return ntohs(v4.sin_port);
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  return -1;
}

/// The port of this or the other end; -1: no connected TCP socket.
template <typename GetName>
int PortOf(int descriptor, GetName get_name) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (get_name(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  return Port(address);
}

/// Calls `visit(descriptor, remote_port)` for each connection of the local port until it is false.
template <typename Visit>
void ForEachConnection(int local_port, Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    int descriptor = -1;
    const char* const name = entry->d_name;
    if (std::from_chars(name, name + std::strlen(name), descriptor).ec != std::errc()) continue;
    if (PortOf(descriptor, ::getsockname) != local_port) continue;
    const int remote_port = PortOf(descriptor, ::getpeername);
    if (remote_port >= 0 && !visit(descriptor, remote_port)) return;
  }
}

}  // namespace

Connection Connection::Find(int remote_port, int local_port) {
  int found = -1;
  ForEachConnection(local_port, [&](int descriptor, int port) {
    if (port == remote_port) found = descriptor;
    return found < 0;
  });
  return Connection(found);
}

bool Connection::HasLeft() const {
  if (descriptor_ < 0) return false;
  pollfd poll{descriptor_, POLLRDHUP, 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::StopReading() const {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RD);
}

void StopReadingAll(int local_port) {
  ForEachConnection(local_port, [](int descriptor, int) {
    ::shutdown(descriptor, SHUT_RD);
    return true;
  });
}

}  // namespace arena
