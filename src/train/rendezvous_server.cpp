#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "train/internal/rendezvous.h"
#include "train/internal/rendezvous_wire.h"

namespace arena::train::internal {
namespace {

// Beside the ranks' own: strangers that are yet to be turned away.
constexpr std::size_t kMoreConnections = 64;
constexpr std::size_t kMaxNames = 1 << 16;

std::string EncodeStanding(const Standing& standing) {
  std::string bytes;
  AppendNumber(static_cast<std::uint32_t>(standing.ended.size()), bytes);
  for (const std::int32_t rank : standing.ended) AppendNumber(rank, bytes);
  for (const std::int64_t count : standing.operations) AppendNumber(count, bytes);
  return bytes;
}

}  // namespace

Result<std::unique_ptr<RendezvousServer>> RendezvousServer::Start(Socket listener, int world_size) {
  Socket waker(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (waker.fd() < 0) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot make an event: {}", std::strerror(errno))};
  }
  std::unique_ptr<RendezvousServer> server(
      new RendezvousServer(std::move(listener), std::move(waker), world_size));
  server->thread_ = std::jthread([raw = server.get()](std::stop_token stop) { raw->Run(stop); });
  return server;
}

RendezvousServer::RendezvousServer(Socket listener, Socket waker, int world_size)
    : world_size_(world_size), listener_(std::move(listener)), waker_(std::move(waker)) {
  standing_.operations.resize(static_cast<std::size_t>(world_size));
}

RendezvousServer::~RendezvousServer() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  // A counter that is full wakes the thread just as well.
  [[maybe_unused]] const ssize_t written = ::write(waker_.fd(), &one, sizeof one);
}

void RendezvousServer::WaitForLeaving(std::chrono::milliseconds time) const {
  const Deadline deadline = std::chrono::steady_clock::now() + time;
  while (connected_ > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RendezvousServer::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> items = {{waker_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
    for (const auto& connection : connections_) {
      items.push_back({connection->socket.fd(), POLLIN, 0});
    }
    if (::poll(items.data(), items.size(), -1) < 0) continue;  // a signal
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (items[i + 2].revents != 0) Read(*connections_[i]);
    }
    RemoveClosed();
    if (items[1].revents != 0) Accept();
  }
}

void RendezvousServer::Accept() {
  Socket socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const std::size_t most = static_cast<std::size_t>(world_size_) + kMoreConnections;
  if (socket.fd() < 0 || connections_.size() >= most) return;
  auto connection = std::make_unique<Connection>();
  connection->socket = std::move(socket);
  connections_.push_back(std::move(connection));
  connected_ = connections_.size();
}

void RendezvousServer::Read(Connection& connection) {
  char buffer[1 << 14];
  const ssize_t got = ::recv(connection.socket.fd(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (got <= 0) {
    connection.open = false;
    return;
  }
  connection.received.append(buffer, static_cast<std::size_t>(got));
  AnswerRequests(connection);
}

void RendezvousServer::AnswerRequests(Connection& connection) {
  std::string_view rest = connection.received;
  while (connection.open) {
    std::string_view message = rest;
    std::uint32_t size = 0;
    if (!TakeNumber(message, size)) break;
    if (size > kMaxMessage) connection.open = false;
    if (size > kMaxMessage || message.size() < size) break;
    rest = message.substr(size);
    Handle(connection, message.substr(0, size));
  }
  connection.received.erase(0, connection.received.size() - rest.size());
}

void RendezvousServer::Handle(Connection& connection, std::string_view request) {
  std::uint8_t kind = 0;
  std::uint32_t name_size = 0;
  std::int64_t count = 0;
  if (!TakeNumber(request, kind) || !TakeNumber(request, name_size) || name_size > request.size()) {
    connection.open = false;
    return;
  }
  const std::string_view name = request.substr(0, name_size);
  std::string_view value = request.substr(name_size);
  const auto asked = static_cast<Request>(kind);
  if (asked == Request::kHello) {
    Greet(connection, name, value);
  } else if (connection.rank < 0) {
    connection.open = false;
  } else if (asked == Request::kSet && values_.size() < kMaxNames) {
    values_.insert_or_assign(std::string(name), std::string(value));
    Send(connection, Answer::kOk, "");
  } else if (asked == Request::kGet) {
    const auto found = values_.find(name);
    const bool is_there = found != values_.end();
    Send(connection, is_there ? Answer::kOk : Answer::kAbsent, is_there ? found->second : "");
  } else if (asked == Request::kReached && TakeNumber(value, count)) {
    standing_.operations[static_cast<std::size_t>(connection.rank)] = count;
  } else if (asked == Request::kStanding) {
    Send(connection, Answer::kOk, EncodeStanding(standing_));
  } else {
    connection.open = false;
  }
}

void RendezvousServer::Greet(Connection& connection, std::string_view protocol,
                             std::string_view value) {
  std::int32_t rank = 0, world_size = 0;
  if (protocol != kRendezvousProtocol || connection.rank >= 0 || !TakeNumber(value, rank) ||
      !TakeNumber(value, world_size)) {
    connection.open = false;
    return;
  }
  const bool taken = std::any_of(connections_.begin(), connections_.end(),
                                 [rank](const auto& other) { return other->rank == rank; });
  if (world_size != world_size_) {
    Send(connection, Answer::kRefused,
         fmt::format("it was started with WORLD_SIZE={}, rank {} with WORLD_SIZE={}", world_size_,
                     rank, world_size));
  } else if (rank < 0 || rank >= world_size_ || taken) {
    Send(connection, Answer::kRefused,
         fmt::format("RANK={} is taken or not below WORLD_SIZE={}", rank, world_size_));
  } else {
    connection.rank = rank;
    Send(connection, Answer::kOk, "");
  }
}

void RendezvousServer::Send(Connection& connection, Answer kind, std::string_view bytes) {
  std::string message;
  AppendNumber(static_cast<std::uint32_t>(bytes.size() + 1), message);
  AppendNumber(static_cast<std::uint8_t>(kind), message);
  message.append(bytes);
  // A rank that asks and does not read must not hold up the others.
  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  if (!SendAll(connection.socket, message, deadline).ok()) connection.open = false;
}

void RendezvousServer::RemoveClosed() {
  for (const auto& connection : connections_) {
    if (!connection->open && connection->rank >= 0) standing_.ended.push_back(connection->rank);
  }
  std::erase_if(connections_, [](const auto& connection) { return !connection->open; });
  connected_ = connections_.size();
}

}  // namespace arena::train::internal
