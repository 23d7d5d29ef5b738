// Where the ranks find each other: names and values that rank 0 keeps for all, and who is there.
//
// A request is 4 bytes of the length of what follows, 1 byte of its kind, 4 bytes of the length of
// the name, the name and the value. An answer is 4 bytes of the length of what follows, 1 byte of
// its kind and bytes. Numbers are little-endian. Every connection begins with kHello.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "train/internal/socket.h"

namespace arena::train::internal {

enum class Request : std::uint8_t {
  kHello = 1,  ///< name: the protocol; value: rank and world size
  kSet,        ///< value under name; answer kOk
  kGet,        ///< answer kOk with the value, or kAbsent
  kReached,    ///< value: how many operations this rank has begun; no answer
  kStanding,   ///< answer kOk with the standing of all
};
enum class Answer : std::uint8_t { kOk = 1, kAbsent, kRefused };

/// Who is still there, and how far.
struct Standing {
  std::vector<std::int32_t> ended;       ///< ranks whose connection has ended, the first one first
  std::vector<std::int64_t> operations;  ///< begun, by rank
};

/// The keeping side, in a thread of its own. A connection that breaks the protocol or a bound is
/// closed. All functions are for one thread.
class RendezvousServer {
 public:
  static Result<std::unique_ptr<RendezvousServer>> Start(Socket listener, int world_size);
  ~RendezvousServer();

  /// Returns when all connections have ended, or after the time.
  void WaitForLeaving(std::chrono::milliseconds time) const;

 private:
  struct Connection {
    Socket socket;
    std::string received;  // not yet a whole request
    int rank = -1;         // before kHello
    bool open = true;
  };

  RendezvousServer(Socket listener, Socket waker, int world_size);
  void Run(std::stop_token stop);
  void Accept();
  void Read(Connection& connection);
  void AnswerRequests(Connection& connection);
  void Handle(Connection& connection, std::string_view request);
  void Greet(Connection& connection, std::string_view protocol, std::string_view value);
  void Send(Connection& connection, Answer kind, std::string_view bytes);
  void RemoveClosed();

  const int world_size_;
  const Socket listener_;
  const Socket waker_;  // readable: stop
  std::atomic<std::size_t> connected_ = 0;
  // What follows belongs to the thread.
  std::vector<std::unique_ptr<Connection>> connections_;
  std::map<std::string, std::string, std::less<>> values_;
  Standing standing_;
  std::jthread thread_;
};

/// The asking side, on every rank. Not thread-safe.
class RendezvousClient {
 public:
  /// Errors: nobody answers before the deadline; the server refuses the rank.
  static Result<std::unique_ptr<RendezvousClient>> Connect(const Endpoint& endpoint, int rank,
                                                           int world_size, Deadline deadline);

  Status Set(std::string_view name, std::string_view value, Deadline deadline);
  /// Nothing: no such name yet.
  Result<std::optional<std::string>> Get(std::string_view name, Deadline deadline);
  Status ReportReached(std::int64_t operations, Deadline deadline);
  Result<Standing> AskStanding(Deadline deadline);

  /// This machine's address in the network that leads to rank 0.
  Result<std::string> LocalAddress() const { return internal::LocalAddress(socket_); }

 private:
  explicit RendezvousClient(Socket socket) : socket_(std::move(socket)) {}
  Status Send(Request kind, std::string_view name, std::string_view value, Deadline deadline);
  /// Nothing: kAbsent. Error: kRefused, with the server's words.
  Result<std::optional<std::string>> Receive(Deadline deadline);

  Socket socket_;
};

}  // namespace arena::train::internal
