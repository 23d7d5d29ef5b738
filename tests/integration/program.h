// Runs the program `arena` (or another) as a user does.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/temporary_folder.h"

namespace arena {

struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

/// Runs arena with the arguments to its end.
ProgramResult RunArena(const std::vector<std::string>& arguments,
                       const std::filesystem::path& working_directory = ".");

/// Starts arena with its output in /dev/null and returns its process id.
pid_t StartArena(const std::vector<std::string>& arguments);

/// Whether it still runs; WaitFor must still be called.
bool Running(pid_t pid);

/// Waits for its end; 128 + signal when a signal ended it.
int WaitFor(pid_t pid);

}  // namespace arena
