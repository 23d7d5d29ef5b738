// Memory for numbers: aligned to cache lines, and in huge pages where it is large.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "base/result.h"

namespace arena::lm {

/// Zeroed pages of a fixed size, from the kernel. A page costs memory once it is written, so a
/// large reservation is free until it is used. Huge pages are asked for: streaming weights through
/// small ones waits for address translation. Movable, not copyable. Not thread-safe.
class PageMemory {
 public:
  PageMemory() = default;
  static Result<PageMemory> Reserve(std::size_t bytes);
  PageMemory(PageMemory&& other) noexcept;
  PageMemory& operator=(PageMemory&& other) noexcept;
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;
  ~PageMemory();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

  /// The next `bytes` that nobody took, at a multiple of 64; past the end it is a bug of the
  /// caller.
  std::span<std::byte> Take(std::size_t bytes);
  /// What Take uses up for a request of this size.
  static std::size_t Rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t taken_ = 0;
};

/// A working buffer of plain numbers that grows and is reused; aligned to 64 bytes. Its content is
/// lost when it grows. Movable, not copyable.
template <typename Number>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { ::operator delete (data_, std::align_val_t{64}); }

  /// At least `count` numbers; new ones are zero.
  Number* Get(std::size_t count) {
    if (count <= size_) return data_;
    ::operator delete (data_, std::align_val_t{64});
    data_ = nullptr;
    size_ = std::max(count, size_ + size_ / 2);
    data_ = static_cast<Number*>(::operator new (size_ * sizeof(Number), std::align_val_t{64}));
    std::fill_n(data_, size_, Number{});
    return data_;
  }
  Number* data() const { return data_; }

 private:
  Number* data_ = nullptr;
  std::size_t size_ = 0;
};

using FloatBuffer = Buffer<float>;

}  // namespace arena::lm
