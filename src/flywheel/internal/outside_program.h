// Programs of the user's that train a stage or serve its checkpoint.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/result.h"

namespace arena::flywheel_internal {

/// What "{NAME}" stands for in an argument.
using Placeholders = std::map<std::string, std::string, std::less<>>;

/// The text with its placeholders filled in.
std::string FillIn(std::string text, const Placeholders& placeholders);

/// A program that runs in a process group of its own. For one thread at a time. It may outlive this
/// process when that is killed: then Start() with the same record ends it first.
class OutsideProgram {
 public:
  struct Options {
    std::vector<std::string> command;  ///< program and arguments, one at least
    std::vector<std::string> environment;
    std::filesystem::path folder;  ///< in which it works; empty: this process's
    std::filesystem::path log;     ///< its output is appended
    std::filesystem::path record;  ///< names the running program
  };

  /// Errors: it cannot be started; the record cannot be written.
  static Result<std::unique_ptr<OutsideProgram>> Start(const Options& options);
  OutsideProgram(const OutsideProgram&) = delete;
  OutsideProgram& operator=(const OutsideProgram&) = delete;
  /// Stop(), with ten seconds of patience.
  ~OutsideProgram();

  /// How it ended; nothing while it runs.
  const std::optional<ChildProcess::End>& Poll();
  /// Asks it and all that it started to end (SIGTERM), and kills what is left after `patience`.
  void Stop(std::chrono::seconds patience);

 private:
  OutsideProgram(ChildProcess process, std::filesystem::path record);

  ChildProcess process_;
  const pid_t group_;
  const std::filesystem::path record_;
  std::optional<ChildProcess::End> end_;
};

/// Ends the program that a record of an earlier process names, where it still runs.
void EndLeftBehind(const std::filesystem::path& record);

/// The error kUnavailable: `what`, and the end of the program's log.
Error ProgramFailed(const std::string& what, const std::filesystem::path& log);

/// The last lines of a log, for an error message; empty where there are none.
std::string LastLines(const std::filesystem::path& log, std::size_t lines);

}  // namespace arena::flywheel_internal
