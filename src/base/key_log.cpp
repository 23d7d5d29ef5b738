#include "base/key_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace arena {
namespace {

constexpr std::string_view kMagic = "arenakl1";
constexpr std::size_t kHeadBytes = 24;  // key, size, check

struct Head {
  Key key;
  std::uint32_t size = 0;
  std::uint32_t check = 0;
};

std::uint32_t CheckOf(const Key& key, std::string_view value) {
  return static_cast<std::uint32_t>(KeyBuilder("key log").Add(key).Add(value).Build().low);
}

void AppendRecord(const KeyLog::Entry& entry, std::string& out) {
  const auto size = static_cast<std::uint32_t>(entry.value.size());
  const std::uint32_t check = CheckOf(entry.key, entry.value);
  std::array<char, kHeadBytes> head{};
  std::memcpy(head.data(), &entry.key.high, 8);
  std::memcpy(head.data() + 8, &entry.key.low, 8);
  std::memcpy(head.data() + 16, &size, 4);
  std::memcpy(head.data() + 20, &check, 4);
  out.append(head.data(), head.size());
  out += entry.value;
}

Head HeadAt(std::string_view bytes) {
  Head head;
  std::memcpy(&head.key.high, bytes.data(), 8);
  std::memcpy(&head.key.low, bytes.data() + 8, 8);
  std::memcpy(&head.size, bytes.data() + 16, 4);
  std::memcpy(&head.check, bytes.data() + 20, 4);
  return head;
}

}  // namespace

Result<std::unique_ptr<KeyLog>> KeyLog::Open(const std::filesystem::path& file) {
  if (file.has_parent_path()) ARENA_RETURN_IF_ERROR(MakeFolder(file.parent_path()));
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("open", file);
  std::unique_ptr<KeyLog> log(new KeyLog(file, fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError("lock", file);
    return Error{ErrorCode::kUnavailable,
                 fmt::format("another process is using {}", file.string())};
  }
  ARENA_RETURN_IF_ERROR(log->ReadAll());
  return log;
}

KeyLog::~KeyLog() { ::close(fd_); }

Status KeyLog::ReadAll() {
  ARENA_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file_));
  const std::string_view bytes = mapped.bytes();
  if (bytes.size() < kMagic.size()) {  // new, or killed while it was made
    if (!kMagic.starts_with(bytes)) {
      return InvalidInput(fmt::format("{} is not a file of kept values", file_.string()));
    }
    if (::pwrite(fd_, kMagic.data(), kMagic.size(), 0) != static_cast<ssize_t>(kMagic.size())) {
      return SystemError("write", file_);
    }
    end_ = kMagic.size();
    return {};
  }
  if (!bytes.starts_with(kMagic)) {
    return InvalidInput(fmt::format("{} is not a file of kept values", file_.string()));
  }
  end_ = kMagic.size();
  while (bytes.size() - end_ >= kHeadBytes) {
    const Head head = HeadAt(bytes.substr(end_));
    if (bytes.size() - end_ - kHeadBytes < head.size) break;
    const std::string_view value = bytes.substr(end_ + kHeadBytes, head.size);
    if (CheckOf(head.key, value) != head.check) break;
    places_[head.key] = {end_ + kHeadBytes, head.size};
    end_ += kHeadBytes + head.size;
  }
  if (end_ < bytes.size() && ::ftruncate(fd_, static_cast<off_t>(end_)) != 0) {
    return SystemError("shorten", file_);
  }
  return {};
}

Result<std::optional<std::string>> KeyLog::Find(const Key& key) const {
  Place place;
  {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return std::optional<std::string>();
    place = found->second;
  }
  std::string value(place.size, '\0');
  std::size_t got = 0;
  while (got < value.size()) {
    const ssize_t bytes = ::pread(fd_, value.data() + got, value.size() - got,
                                  static_cast<off_t>(place.offset + got));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return SystemError("read", file_);
    got += static_cast<std::size_t>(bytes);
  }
  return std::optional(std::move(value));
}

Status KeyLog::Add(std::span<const Entry> entries) {
  std::string bytes;
  for (const Entry& entry : entries) {
    if (entry.value.size() > std::numeric_limits<std::uint32_t>::max()) {
      return InvalidInput("a value of more than 4 GiB cannot be kept");
    }
    AppendRecord(entry, bytes);
  }
  const std::lock_guard lock(mutex_);
  // At the end of what is whole: a write that failed half-way is written over.
  if (::lseek(fd_, static_cast<off_t>(end_), SEEK_SET) < 0 || !WriteAll(fd_, bytes) ||
      ::fdatasync(fd_) != 0) {
    return SystemError("write", file_);
  }
  for (const Entry& entry : entries) {
    const auto size = static_cast<std::uint32_t>(entry.value.size());
    places_[entry.key] = {end_ + kHeadBytes, size};
    end_ += kHeadBytes + size;
  }
  return {};
}

std::size_t KeyLog::size() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

}  // namespace arena
