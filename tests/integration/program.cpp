#include "tests/integration/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"

namespace arena {
namespace {

std::vector<char*> Argv(const std::vector<std::string>& arguments) {
  static const std::string kProgram = ARENA_PROGRAM;
  std::vector<char*> argv = {const_cast<char*>(kProgram.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

/// In the child: output to the files, then the program.
[[noreturn]] void Exec(const std::vector<std::string>& arguments, const std::string& directory,
                       const std::string& out, const std::string& err) {
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(out_fd, STDOUT_FILENO);
  ::dup2(err_fd, STDERR_FILENO);
  if (::chdir(directory.c_str()) == 0) ::execv(ARENA_PROGRAM, Argv(arguments).data());
  ::_exit(127);
}

}  // namespace

ProgramResult RunArena(const std::vector<std::string>& arguments,
                       const std::filesystem::path& working_directory) {
  const TemporaryFolder output;
  const pid_t pid = ::fork();
  if (pid == 0) Exec(arguments, working_directory.string(), output / "out", output / "err");
  ProgramResult result;
  result.exit_code = WaitFor(pid);
  result.out = ReadFile(output / "out").value_or("");
  result.err = ReadFile(output / "err").value_or("");
  return result;
}

pid_t StartArena(const std::vector<std::string>& arguments) {
  const pid_t pid = ::fork();
  if (pid == 0) Exec(arguments, ".", "/dev/null", "/dev/null");
  return pid;
}

bool Running(pid_t pid) {
  siginfo_t info{};
  // WNOWAIT leaves the result for WaitFor.
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == 0;
}

int WaitFor(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace arena
