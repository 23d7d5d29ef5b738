// What the HTTP library does not tell: a connection's socket.
#pragma once

namespace arena {

/// One client's connection while its request is being answered; empty where it was not found.
/// Reads nothing and does not own the socket. Thread-safe.
class Connection {
 public:
  /// Among this process's sockets the one between these ports of TCP. The library gives a handler
  /// the ports and not the socket, and without it nobody notices that a client left before the
  /// answer is written.
  static Connection Find(int remote_port, int local_port);

  /// Whether the client has closed its side, or the connection broke.
  bool HasLeft() const;
  /// Ends reading: no further request comes over it.
  void StopReading() const;

 private:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;  ///< -1: none
};

/// Ends reading on all connections of a local port, so that idle ones close. What is being written
/// is not disturbed.
void StopReadingAll(int local_port);

}  // namespace arena
