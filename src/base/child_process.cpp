#include "base/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

extern char** environ;

namespace arena {
namespace {

std::string SystemMessage(int error) { return std::generic_category().message(error); }

void CloseIfOpen(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    CloseIfOpen(read);
    CloseIfOpen(write);
  }
  // A pair of sockets where this process writes: a write to a program that has ended is then an
  // error and not a signal that ends this one.
  Status Open(bool to_child) {
    std::array<int, 2> ends{};
    const int failed = to_child ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data())
                                : ::pipe2(ends.data(), O_CLOEXEC);
    if (failed != 0) return IoError(fmt::format("cannot make a pipe: {}", SystemMessage(errno)));
    read = ends[0];
    write = ends[1];
    return {};
  }
};

/// Which descriptors and signals the program starts with.
class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    // This process may ignore SIGPIPE; the other one decides for itself.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    // A group of its own: Ctrl-C reaches this program, which then ends the other in order.
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void Connect(int in, int out, const ChildProcess::Options& options) {
    posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    if (options.stdout_file.empty()) {
      posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    } else {
      Append(STDOUT_FILENO, options.stdout_file);
    }
    Append(STDERR_FILENO, options.stderr_file.empty() ? "/dev/null" : options.stderr_file);
  }
  void ChangeFolder(const std::string& folder) {
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void Append(int descriptor, const std::string& file) {
    posix_spawn_file_actions_addopen(&actions_, descriptor, file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0666);
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string_view VariableName(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// This process's environment with the changes.
std::vector<std::string> MakeEnvironment(const std::vector<std::string>& changes) {
  std::vector<std::string> entries = changes;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool is_changed =
        std::any_of(changes.begin(), changes.end(), [entry](const std::string& change) {
          return VariableName(change) == VariableName(*entry);
        });
    if (!is_changed) entries.emplace_back(*entry);
  }
  return entries;
}

// What exec functions take; the strings must outlive it.
std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const Options& options) {
  Pipe to_child;
  Pipe from_child;
  ARENA_RETURN_IF_ERROR(to_child.Open(true));
  ARENA_RETURN_IF_ERROR(from_child.Open(false));
  SpawnSetup setup;
  setup.Connect(to_child.read, from_child.write, options);
  if (!options.folder.empty()) setup.ChangeFolder(options.folder);
  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.program);
  std::vector<std::string> environment = MakeEnvironment(options.environment);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, options.program.c_str(), setup.actions(), setup.attributes(),
                     Pointers(arguments).data(), Pointers(environment).data());
  if (error != 0) {
    return NotFound(fmt::format("cannot start {}: {}", options.program, SystemMessage(error)));
  }
  return ChildProcess(pid, std::exchange(to_child.write, -1), std::exchange(from_child.read, -1));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    Release();
    pid_ = std::exchange(other.pid_, -1);
    in_ = std::exchange(other.in_, -1);
    out_ = std::exchange(other.out_, -1);
  }
  return *this;
}

ChildProcess::~ChildProcess() { Release(); }

void ChildProcess::Release() {
  CloseIfOpen(in_);
  CloseIfOpen(out_);
  if (pid_ < 0) return;
  Kill();
  Wait();
}

Status ChildProcess::Write(std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    pollfd poll_for{in_, POLLOUT, 0};
    const int ready = ::poll(&poll_for, 1, static_cast<int>(patience.count()));
    if (ready == 0) return IoError("the program does not read its input");
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t count = ::send(in_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) {
      return IoError(fmt::format("the program no longer reads: {}", SystemMessage(errno)));
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::optional<std::size_t>> ChildProcess::Read(char* data, std::size_t size,
                                                      std::chrono::milliseconds timeout) {
  pollfd poll_for{out_, POLLIN, 0};
  const int ready = ::poll(&poll_for, 1, static_cast<int>(timeout.count()));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return std::optional<std::size_t>();
  const ssize_t count = ready < 0 ? -1 : ::read(out_, data, size);
  if (count < 0 && errno == EINTR) return std::optional<std::size_t>();
  if (count < 0) return IoError(fmt::format("cannot read: {}", SystemMessage(errno)));
  return std::optional(static_cast<std::size_t>(count));
}

void ChildProcess::CloseInput() { CloseIfOpen(in_); }

void ChildProcess::Signal(int number) {
  if (pid_ > 0) ::kill(-pid_, number);  // the group: what it started, too
}

void ChildProcess::Kill() { Signal(SIGKILL); }

std::optional<ChildProcess::End> ChildProcess::Poll() {
  int status = 0;
  if (pid_ < 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return EndOf(status);
}

ChildProcess::End ChildProcess::WaitForEnd() {
  if (pid_ < 0) return {{}, "has ended"};
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return EndOf(status);
}

ChildProcess::End ChildProcess::WaitOrKill(std::chrono::milliseconds patience) {
  constexpr auto kPause = std::chrono::milliseconds(5);
  for (auto waited = kPause - kPause; pid_ >= 0 && waited < patience; waited += kPause) {
    if (auto end = Poll()) return *std::move(end);
    std::this_thread::sleep_for(kPause);
  }
  Kill();
  return WaitForEnd();
}

ChildProcess::End ChildProcess::EndOf(int status) {
  if (WIFSIGNALED(status)) {
    return {{}, fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))};
  }
  return {WEXITSTATUS(status), fmt::format("exit code {}", WEXITSTATUS(status))};
}

std::string ProgramFolder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : self.parent_path().string();
}

}  // namespace arena
