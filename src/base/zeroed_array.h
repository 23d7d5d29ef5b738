// Large arrays that begin as zeros.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
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
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  static std::size_t MappedBytes(std::size_t size) {
    return (size * sizeof(T) + kPage - 1) / kPage * kPage;
  }

  static T* Map(std::size_t size) {
    if (size == 0) return nullptr;
    const std::size_t bytes = MappedBytes(size);
    // What begins within a huge page is in small ones up to its end.
    const std::size_t ahead = bytes < kHugePage ? 0 : kHugePage;
    void* const memory =
        ::mmap(nullptr, bytes + ahead, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    auto* const mapped = static_cast<std::byte*>(memory);
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    const std::size_t skipped = ahead == 0 ? 0 : (kHugePage - address % kHugePage) % kHugePage;
    if (skipped > 0) ::munmap(mapped, skipped);
    if (ahead > skipped) ::munmap(mapped + skipped + bytes, ahead - skipped);
    ::madvise(mapped + skipped, bytes, MADV_HUGEPAGE);
    return reinterpret_cast<T*>(mapped + skipped);
  }
  struct Unmap {
    std::size_t size = 0;
    void operator()(T* numbers) const { ::munmap(numbers, MappedBytes(size)); }
  };

  std::size_t size_ = 0;
  std::unique_ptr<T, Unmap> numbers_;
};

}  // namespace arena
