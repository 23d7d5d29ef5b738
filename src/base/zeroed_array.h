// Large arrays that begin as zeros.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace arena {

/// An array whose memory comes from the system when it is first touched, so that neither making it
/// nor what is never touched costs anything. Asks for huge pages, which spare most page faults and
/// most misses of the address cache.
template <typename T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  ZeroedArray() = default;
  /// Throws std::bad_alloc.
  explicit ZeroedArray(std::size_t size) : size_(size), numbers_(Map(size), Unmap{size}) {}

  std::size_t size() const { return size_; }
  T* data() const { return numbers_.get(); }
  T& operator[](std::size_t i) { return numbers_.get()[i]; }
  const T& operator[](std::size_t i) const { return numbers_.get()[i]; }

 private:
  static T* Map(std::size_t size) {
    if (size == 0) return nullptr;
    const std::size_t bytes = size * sizeof(T);
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  struct Unmap {
    std::size_t size = 0;
    void operator()(T* numbers) const { ::munmap(numbers, size * sizeof(T)); }
  };

  std::size_t size_ = 0;
  std::unique_ptr<T, Unmap> numbers_;
};

}  // namespace arena
