#include "lm/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace arena::lm {

Result<PageMemory> PageMemory::Reserve(std::size_t bytes) {
  PageMemory memory;
  memory.size_ = std::max<std::size_t>(Rounded(bytes), 64);
  void* data = ::mmap(nullptr, memory.size_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    memory.size_ = 0;
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot reserve {} MB of memory", bytes / 1'000'000)};
  }
  memory.data_ = static_cast<std::byte*>(data);
  ::madvise(data, memory.size_, MADV_HUGEPAGE);  // only a wish
  return memory;
}

PageMemory::PageMemory(PageMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      taken_(std::exchange(other.taken_, 0)) {}

PageMemory& PageMemory::operator=(PageMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(taken_, other.taken_);
  return *this;
}

PageMemory::~PageMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

std::span<std::byte> PageMemory::Take(std::size_t bytes) {
  assert(Rounded(bytes) <= size_ - taken_);
  std::byte* const begin = data_ + taken_;
  taken_ += Rounded(bytes);
  return {begin, bytes};
}

}  // namespace arena::lm
