#include "tests/endpoint/fake_endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/endpoint/fake_batches.h"

namespace arena {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMostBytes = std::size_t{16} << 20;

struct Connection {
  int socket = -1;
  std::string in;
  std::string out;
  bool is_busy = false;  // a request is being answered
  bool close_after_out = false;
};

struct Head {
  ReceivedRequest request;
  std::size_t body_bytes = 0;
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Head ParseHead(std::string_view text) {
  Head head;
  const auto path = text.find(' ') + 1;
  head.request.path = text.substr(path, text.find(' ', path) - path);
  for (std::size_t at = text.find("\r\n"); at + 2 < text.size(); at = text.find("\r\n", at + 2)) {
    const std::string_view line = text.substr(at + 2, text.find("\r\n", at + 2) - at - 2);
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string name = Lower(std::string(line.substr(0, colon)));
    const std::string_view value = line.substr(colon + 2);
    if (name == "content-length") {
      std::from_chars(value.data(), value.data() + value.size(), head.body_bytes);
    } else if (name == "authorization") {
      head.request.key = value.substr(std::min<std::size_t>(value.size(), 7));
    } else if (name == "x-api-key") {
      head.request.key = value;
    }
  }
  return head;
}

// The bytes of a reply; `body` may be less than what the head promises.
std::string Rendered(const FakeReply& reply, std::string_view body, std::size_t promised) {
  return fmt::format(
      "HTTP/1.1 {} Fake\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}",
      reply.status, reply.headers, promised, body);
}

}  // namespace

class FakeEndpoint::Server {
 public:
  explicit Server(const FakeEndpointOptions& options) : options_(options) {
    Listen();
    thread_ = std::thread([this] { Loop(); });
  }
  ~Server() {
    stopping_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));
    thread_.join();
    for (const auto& [socket, connection] : connections_) ::close(socket);
    for (const int fd : {epoll_, wake_, listener_}) ::close(fd);
  }

  int port() const { return port_; }
  RequestCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::int64_t received() const { return received_; }
  std::unordered_map<Key, int, KeyHash> batch_answers() const {
    const std::lock_guard lock(mutex_);
    return batches_.answered();
  }
  std::size_t batches() const {
    const std::lock_guard lock(mutex_);
    return batches_.batches();
  }
  int most_at_once() const { return most_at_once_; }
  std::int64_t accepted() const { return accepted_; }

 private:
  /// What is done when its time has come, unless the connection is another by then.
  struct Due {
    int socket;
    std::uint64_t connection;
    std::string bytes;
    EndpointFault then;  // what follows the bytes
    Key request;
  };

  void Listen();
  void Watch(int fd, int what, std::uint32_t events);
  void Loop();
  void Accept();
  void Read(int socket);
  void TakeRequest(Connection& connection);
  void Answer(Connection& connection, const ReceivedRequest& request);
  void Schedule(Connection& connection, std::chrono::milliseconds after, std::string bytes,
                EndpointFault then, const Key& request);
  void RunDue();
  void Act(Due& due);
  void Send(Connection& connection);
  void Close(int socket, bool with_reset);
  int WaitMs() const;

  const FakeEndpointOptions options_;
  int listener_ = -1;
  int epoll_ = -1;
  int wake_ = -1;
  int port_ = 0;
  std::unordered_map<int, Connection> connections_;
  std::unordered_map<int, std::uint64_t> numbers_;  // of the connection on a socket
  std::uint64_t next_number_ = 1;
  std::multimap<Steady::time_point, Due> due_;
  int at_once_ = 0;
  mutable std::mutex mutex_;
  RequestCounts counts_;  // guarded by mutex_
  FakeBatches batches_;   // guarded by mutex_
  std::atomic<std::int64_t> received_ = 0, accepted_ = 0;
  std::atomic<int> most_at_once_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

void FakeEndpoint::Server::Listen() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool is_up = ::bind(listener_, generic, size) == 0 && ::listen(listener_, 4096) == 0 &&
                     ::getsockname(listener_, generic, &size) == 0;
  if (!is_up) throw std::runtime_error("the fake endpoint cannot listen");
  port_ = ntohs(address.sin_port);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  Watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
  Watch(wake_, EPOLL_CTL_ADD, EPOLLIN);
}

void FakeEndpoint::Server::Watch(int fd, int what, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll_, what, fd, &event);
}

int FakeEndpoint::Server::WaitMs() const {
  if (due_.empty()) return 1000;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - Steady::now());
  return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 1000));
}

void FakeEndpoint::Server::Loop() {
  std::array<epoll_event, 256> events;
  while (!stopping_) {
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), WaitMs());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const int fd = event.data.fd;
      if (fd == wake_) return;
      if (fd == listener_) {
        Accept();
        continue;
      }
      if ((event.events & EPOLLOUT) != 0 && connections_.contains(fd)) Send(connections_[fd]);
      if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read(fd);
    }
    RunDue();
  }
}

void FakeEndpoint::Server::Accept() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[socket].socket = socket;
    numbers_[socket] = next_number_++;
    ++accepted_;
    Watch(socket, EPOLL_CTL_ADD, EPOLLIN);
  }
}

void FakeEndpoint::Server::Read(int socket) {
  const auto found = connections_.find(socket);
  if (found == connections_.end()) return;
  std::array<char, 65536> buffer;
  while (true) {
    const auto bytes = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (bytes < 0 && errno == EAGAIN) break;
    if (bytes <= 0) return Close(socket, false);
    found->second.in.append(buffer.data(), static_cast<std::size_t>(bytes));
    if (found->second.in.size() > kMostBytes) return Close(socket, true);
  }
  TakeRequest(found->second);
}

void FakeEndpoint::Server::TakeRequest(Connection& connection) {
  if (connection.is_busy) return;
  const auto end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return;
  Head head = ParseHead(std::string_view(connection.in).substr(0, end + 2));
  if (connection.in.size() < end + 4 + head.body_bytes) return;
  head.request.body = connection.in.substr(end + 4, head.body_bytes);
  connection.in.erase(0, end + 4 + head.body_bytes);
  connection.is_busy = true;
  most_at_once_ = std::max(most_at_once_.load(), ++at_once_);
  Answer(connection, head.request);
}

void FakeEndpoint::Server::Answer(Connection& connection, const ReceivedRequest& request) {
  const Key hash = RequestHash(request);
  int attempt = 0;
  {
    const std::lock_guard lock(mutex_);
    attempt = ++counts_[hash].received;
  }
  ++received_;
  const EndpointFault fault = FaultOf(options_, hash, attempt);
  const bool is_refused =
      fault == EndpointFault::kRateLimited || fault == EndpointFault::kServerError;
  FakeReply reply;
  if (!FakeBatches::IsBatchPath(request.path)) {
    reply = ReplyTo(options_, request);
  } else if (!is_refused) {  // a reply that is lost was worked on all the same
    const std::lock_guard lock(mutex_);
    reply = batches_.Answer(options_, request);
  }
  const bool is_good = reply.status == 200;
  if (fault == EndpointFault::kNone || !is_good) {
    return Schedule(connection, options_.latency, Rendered(reply, reply.body, reply.body.size()),
                    EndpointFault::kNone, is_good ? hash : Key{});
  }
  {
    const std::lock_guard lock(mutex_);
    ++counts_[hash].faults;
  }
  const std::string_view half = std::string_view(reply.body).substr(0, reply.body.size() / 2);
  std::string bytes;
  if (is_refused) {
    const bool is_limit = fault == EndpointFault::kRateLimited;
    const std::string body = is_limit ? "slow down" : "something broke";
    bytes = Rendered({is_limit ? 429 : 500, is_limit ? "Retry-After-Ms: 20\r\n" : "", {}}, body,
                     body.size());
  } else if (fault == EndpointFault::kTruncated || fault == EndpointFault::kStallWithin) {
    bytes = Rendered(reply, half, reply.body.size());
  } else if (fault == EndpointFault::kInvalidJson) {
    bytes = Rendered(reply, half, half.size());
  }
  Schedule(connection, options_.latency, std::move(bytes), fault, Key{});
}

void FakeEndpoint::Server::Schedule(Connection& connection, std::chrono::milliseconds after,
                                    std::string bytes, EndpointFault then, const Key& request) {
  Due due{connection.socket, numbers_[connection.socket], std::move(bytes), then, request};
  if (after.count() == 0) return Act(due);
  due_.emplace(Steady::now() + after, std::move(due));
}

void FakeEndpoint::Server::RunDue() {
  while (!due_.empty() && due_.begin()->first <= Steady::now()) {
    Due due = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    if (connections_.contains(due.socket) && numbers_[due.socket] == due.connection) Act(due);
  }
}

void FakeEndpoint::Server::Act(Due& due) {
  Connection& connection = connections_[due.socket];
  if (due.then == EndpointFault::kReset) return Close(due.socket, true);
  if (due.request != Key{}) {
    const std::lock_guard lock(mutex_);
    ++counts_[due.request].delivered;
  }
  connection.out += due.bytes;
  if (due.then == EndpointFault::kStallBefore || due.then == EndpointFault::kStallWithin) {
    Send(connection);
    if (!connections_.contains(due.socket)) return;
    return Schedule(connection, std::max(options_.stall, std::chrono::milliseconds(1)), "",
                    EndpointFault::kReset, Key{});
  }
  connection.close_after_out = due.then == EndpointFault::kTruncated;
  connection.is_busy = false;
  --at_once_;
  Send(connection);
}

void FakeEndpoint::Server::Send(Connection& connection) {
  const int socket = connection.socket;
  while (!connection.out.empty()) {
    const auto bytes = ::send(socket, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (bytes < 0 && errno == EAGAIN) return Watch(socket, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    if (bytes <= 0) return Close(socket, false);
    connection.out.erase(0, static_cast<std::size_t>(bytes));
  }
  Watch(socket, EPOLL_CTL_MOD, EPOLLIN);
  if (connection.close_after_out) return Close(socket, false);
  if (!connection.is_busy) TakeRequest(connection);
}

void FakeEndpoint::Server::Close(int socket, bool with_reset) {
  const auto found = connections_.find(socket);
  if (found == connections_.end()) return;
  if (found->second.is_busy) --at_once_;
  if (with_reset) {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(socket);
  connections_.erase(found);
  numbers_.erase(socket);
}

FakeEndpoint::FakeEndpoint(const FakeEndpointOptions& options)
    : server_(std::make_unique<Server>(options)) {}
FakeEndpoint::~FakeEndpoint() = default;
int FakeEndpoint::port() const { return server_->port(); }
std::string FakeEndpoint::url() const { return fmt::format("http://127.0.0.1:{}", port()); }
RequestCounts FakeEndpoint::counts() const { return server_->counts(); }
std::int64_t FakeEndpoint::received() const { return server_->received(); }
int FakeEndpoint::most_at_once() const { return server_->most_at_once(); }
std::unordered_map<Key, int, KeyHash> FakeEndpoint::batch_answers() const {
  return server_->batch_answers();
}
std::size_t FakeEndpoint::batches() const { return server_->batches(); }
std::int64_t FakeEndpoint::connections() const { return server_->accepted(); }

}  // namespace arena
