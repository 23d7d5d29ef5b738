#include "base/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

namespace arena {
namespace {

constexpr std::chrono::milliseconds kLockPause{20};

}  // namespace

Result<FolderLock> FolderLock::Take(const std::filesystem::path& folder,
                                    std::chrono::milliseconds patience) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto problem = [&folder] {
    return fmt::format("{}: {}", folder.string(), std::generic_category().message(errno));
  };
  if (fd < 0) return IoError(problem());
  FolderLock lock(fd);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return IoError(problem());
    if (std::chrono::steady_clock::now() >= end) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("another process is working in {}", folder.string())};
    }
    std::this_thread::sleep_for(kLockPause);
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace arena
