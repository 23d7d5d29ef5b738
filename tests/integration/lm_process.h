// Starts arena-lm and talks to it, for tests and benchmarks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace arena {

/// A running arena-lm with pipes to its input and from its output; its standard error is ours. Not
/// thread-safe. A bug in its use (the program does not start, its output is no JSON) ends the
/// process.
class LmProcess {
 public:
  explicit LmProcess(const std::string& program, const std::vector<std::string>& arguments = {});
  /// Ends its input and waits for it.
  ~LmProcess();
  LmProcess(const LmProcess&) = delete;
  LmProcess& operator=(const LmProcess&) = delete;

  void SendText(std::string_view text);
  void Send(const Json& message);

  /// The next line as it is; empty: there are no more.
  std::string ReceiveText();
  Json Receive();

  pid_t pid() const { return pid_; }
  void EndInput();
  /// Its exit code.
  int Wait();
  /// A field of /proc/PID/status in bytes.
  std::int64_t StatusBytes(const std::string& field) const;

 private:
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string received_;
};

}  // namespace arena
