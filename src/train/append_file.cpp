#include "train/internal/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"

namespace arena::train::internal {

Result<AppendFile> AppendFile::Open(const std::filesystem::path& path, Mode mode) {
  const int create = mode == Mode::kCreateNew ? O_CREAT | O_EXCL : O_CREAT;
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | create, 0644);
  if (fd < 0) {
    return IoError(
        fmt::format("cannot open {} for writing: {}", path.string(), std::strerror(errno)));
  }
  return AppendFile(path, fd);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status AppendFile::Append(std::string_view record) {
  if (WriteAll(fd_, record)) return {};
  return IoError(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
}

}  // namespace arena::train::internal
