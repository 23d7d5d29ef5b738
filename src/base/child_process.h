// Another program, driven over its standard input and output.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena {

/// A running program. One thread may write while another reads; everything else is for one thread
/// at a time. Movable. The destructor closes the pipes, kills the program and waits for it.
class ChildProcess {
 public:
  struct Options {
    std::string program;  ///< a path, or a name that is looked up in PATH
    std::vector<std::string> arguments = {};
    std::string stderr_file = {};  ///< appended to; empty: discarded
    /// "NAME=VALUE": added to this process's environment, or in place of what it has there.
    std::vector<std::string> environment = {};
    std::string folder = {};  ///< in which it works; empty: this process's
    /// Its standard output is appended to this file, and there is nothing to read; empty: Read()
    /// has it.
    std::string stdout_file = {};
  };

  /// How a program ended.
  struct End {
    std::optional<int> exit_code;  ///< none: a signal ended it
    std::string text;              ///< "exit code 1", "signal 9 (Killed)"
  };

  /// Error: the program cannot be started.
  static Result<ChildProcess> Start(const Options& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  /// Writes all of it; waits while the pipe is full. Error: the program closed its input, or took
  /// none of it for `patience` (negative: for ever).
  Status Write(std::string_view bytes,
               std::chrono::milliseconds patience = std::chrono::milliseconds(-1));
  /// Up to `size` bytes of its output; 0 at the end, nothing after `timeout` without any.
  Result<std::optional<std::size_t>> Read(char* data, std::size_t size,
                                          std::chrono::milliseconds timeout);
  /// Closes its standard input, by which most programs know that they are done.
  void CloseInput();
  /// Sends a signal to it and to what it started. May be called from any thread while the object
  /// lives.
  void Signal(int number);
  /// Ends it and what it started at once (SIGKILL).
  void Kill();
  /// How it ended, once; nothing while it runs.
  std::optional<End> Poll();
  /// Waits for its end. Once only.
  End WaitForEnd();
  /// The same, but what has not ended after `patience` is killed.
  End WaitOrKill(std::chrono::milliseconds patience);
  /// The same as text.
  std::string Wait() { return WaitForEnd().text; }

 private:
  ChildProcess(pid_t pid, int in, int out) : pid_(pid), in_(in), out_(out) {}
  void Release();
  static End EndOf(int status);

  pid_t pid_ = -1;  ///< -1: moved from, or waited for
  int in_ = -1;
  int out_ = -1;
};

/// The folder in which this program's own file lies.
std::string ProgramFolder();

}  // namespace arena
