#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace arena {
namespace {

/// Closes the descriptor when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace

Error SystemError(std::string_view action, const std::filesystem::path& path) {
  const int number = errno;
  return {number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          fmt::format("cannot {} {}: {}", action, path.string(), std::strerror(number))};
}

Status MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return IoError(fmt::format("cannot make {}: {}", path.string(), error.message()));
  return {};
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("open", path);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EINTR) continue;
      return SystemError("read", path);
    }
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

Status WriteFileAtomic(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp{}", ::getpid());
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.get() < 0) return SystemError("create", temporary);
  const auto fail = [&](const char* what, const std::filesystem::path& file) {
    Error error = SystemError(what, file);
    ::unlink(temporary.c_str());
    return error;
  };
  if (!WriteAll(fd.get(), content) || ::fsync(fd.get()) != 0 || ::close(fd.Release()) != 0) {
    return fail("write", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename to", path);
  return {};
}

Status SyncFolder(const std::filesystem::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("open", path);
  // Some file systems cannot flush a folder, and say so by EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return SystemError("flush", path);
  return {};
}

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return SystemError("read", path);
  if (!S_ISREG(info.st_mode)) {
    return InvalidInput(fmt::format("{} is not a regular file", path.string()));
  }
  MappedFile file;
  file.size_ = static_cast<std::size_t>(info.st_size);
  if (file.size_ == 0) return file;
  void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) {
    file.size_ = 0;
    return SystemError("map", path);
  }
  ::madvise(data, file.size_, MADV_SEQUENTIAL);
  file.data_ = static_cast<const char*>(data);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

Result<Key> HashFile(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  return HashBytes(mapped.bytes());
}

}  // namespace arena
