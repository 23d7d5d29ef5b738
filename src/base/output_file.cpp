#include "base/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"

namespace arena {
namespace {

constexpr std::size_t kGather = std::size_t{1} << 20;

}  // namespace

OutputFile::OutputFile(std::filesystem::path path, std::filesystem::path temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      pending_(std::move(other.pending_)) {}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Result<OutputFile> OutputFile::Create(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp{}", ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  OutputFile file(path, std::move(temporary), fd);
  if (fd < 0) return file.SystemError("create");
  return file;
}

Error OutputFile::SystemError(std::string_view action) const {
  const int number = errno;
  return {number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          fmt::format("cannot {} {}: {}", action, path_.string(), std::strerror(number))};
}

Status OutputFile::Write(std::span<const std::byte> bytes) {
  size_ += static_cast<std::int64_t>(bytes.size());
  if (pending_.size() + bytes.size() > kGather) ARENA_RETURN_IF_ERROR(Flush());
  if (bytes.size() <= kGather) {
    pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  return WriteThrough(bytes);
}

Status OutputFile::WriteThrough(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return WriteAll(fd_, text) ? Status() : SystemError("write");
}

Status OutputFile::Flush() {
  ARENA_RETURN_IF_ERROR(WriteThrough(std::as_bytes(std::span(pending_))));
  pending_.clear();
  return {};
}

Status OutputFile::PadTo(std::int64_t alignment) {
  const std::int64_t rest = size_ % alignment;
  if (rest == 0) return {};
  return Write(std::string(static_cast<std::size_t>(alignment - rest), '\0'));
}

Status OutputFile::Commit() {
  ARENA_RETURN_IF_ERROR(Flush());
  if (::fsync(fd_) != 0) return SystemError("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return SystemError("rename to");
  // What was asked for has happened; a failing close of a synced file loses nothing.
  ::close(std::exchange(fd_, -1));
  return {};
}

}  // namespace arena
