#include "train/internal/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace arena::train::internal {
namespace {

Error Failed(const char* what, int code) {
  return IoError(fmt::format("{}: {}", what, std::system_category().message(code)));
}

Result<std::span<std::byte>> Map(int file, std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return Failed("mapping shared memory", errno);
  return std::span(static_cast<std::byte*>(memory), bytes);
}

}  // namespace

Result<SharedMemory> SharedMemory::Create(std::size_t bytes) {
  std::random_device random;
  const std::string name =
      fmt::format("/arena-lm-{:08x}{:08x}{:08x}", random(), random(), random());
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Failed("making shared memory", errno);
  // A page that is only promised would end the process when it is written to.
  const int refused = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  const auto mapped = refused == 0 ? Map(file, bytes) : Failed("making shared memory", refused);
  ::close(file);
  if (!mapped.ok()) {
    ::shm_unlink(name.c_str());
    return mapped.error();
  }
  return SharedMemory(name, *mapped, true);
}

Result<SharedMemory> SharedMemory::Open(const std::string& name, std::size_t bytes) {
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return Failed("opening shared memory", errno);
  const auto mapped = Map(file, bytes);
  ::close(file);
  if (!mapped.ok()) return mapped.error();
  return SharedMemory(name, *mapped, false);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : name_(std::move(other.name_)),
      bytes_(std::exchange(other.bytes_, {})),
      has_name_(std::exchange(other.has_name_, false)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(bytes_, other.bytes_);
  std::swap(has_name_, other.has_name_);
  return *this;
}

SharedMemory::~SharedMemory() {
  RemoveName();
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

void SharedMemory::RemoveName() {
  if (std::exchange(has_name_, false)) ::shm_unlink(name_.c_str());
}

}  // namespace arena::train::internal
