#include "tests/integration/lm_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace arena {

LmProcess::LmProcess(const std::string& program, const std::vector<std::string>& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& text : arguments) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
}

LmProcess::~LmProcess() {
  EndInput();
  ::close(from_);
  if (pid_ > 0) Wait();
}

void LmProcess::SendText(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(to_, text.data(), text.size());
    if (count <= 0) std::abort();
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void LmProcess::Send(const Json& message) { SendText(DumpJson(message) + "\n"); }

std::string LmProcess::ReceiveText() {
  std::size_t end = received_.find('\n');
  while (end == std::string::npos) {
    char buffer[65536];
    const ssize_t count = ::read(from_, buffer, sizeof buffer);
    if (count <= 0) return "";
    received_.append(buffer, static_cast<std::size_t>(count));
    end = received_.find('\n');
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

Json LmProcess::Receive() {
  const Result<Json> json = ParseJson(ReceiveText());
  if (!json.ok()) std::abort();
  return *json;
}

void LmProcess::EndInput() {
  if (to_ >= 0) ::close(to_);
  to_ = -1;
}

int LmProcess::Wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::int64_t LmProcess::StatusBytes(const std::string& field) const {
  std::ifstream file(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1)) * 1024;
  }
  return -1;
}

}  // namespace arena
