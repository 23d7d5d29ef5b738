// Memory for numbers: aligned to cache lines, and in huge pages where it is large.
#pragma once

#include <cstddef>
#include <span>

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

/// A working buffer that grows and is reused; aligned to 64 bytes. Its content is lost when it
/// grows. Movable, not copyable.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  FloatBuffer(FloatBuffer&& other) noexcept;
  FloatBuffer& operator=(FloatBuffer&& other) noexcept;
  FloatBuffer(const FloatBuffer&) = delete;
  FloatBuffer& operator=(const FloatBuffer&) = delete;
  ~FloatBuffer();

  /// At least `count` floats; new ones are zero.
  float* Get(std::size_t count);
  float* data() const { return data_; }

 private:
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace arena::lm
