// A judge that is a user's program: JSON lines on its standard input, scores on its output.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/game.h"

namespace arena {

struct CommandJudgeOptions {
  std::string name = "command";      ///< what reports print; not empty
  std::string family;                ///< empty: none
  std::vector<std::string> command;  ///< the program (looked up in PATH) and its arguments
  std::string folder;                ///< in which it works; empty: this process's
  /// Identifies what the program does. Empty: the contents of those of its arguments that are
  /// files, so that another script is another judge.
  std::string version;
  unsigned workers = 1;                       ///< how many of the program run at once, 1 to 1024
  std::chrono::milliseconds timeout{60'000};  ///< for one game, at least 1
  double lowest = 1;     ///< its scores: lowest is 1, highest is 10, and between them linearly
  double highest = 10;   ///< greater than lowest
  std::string log_file;  ///< its standard error is appended; empty: discarded
};

/// Starts one program, and the others as games want them; docs/judges.md has the protocol. The
/// judge is thread-safe. A program that ends, takes too long or answers another game than it was
/// asked fails that game (kApi, with the cause) and is started again; ten such failures in a row
/// are an error of Play. A line that is no answer, a score out of range and an "error" of the
/// program fail the game as kUnparsable. Errors: the program cannot be started; options out of
/// range.
Result<std::unique_ptr<Judge>> MakeCommandJudge(CommandJudgeOptions options);

}  // namespace arena
