// A large file that is written in order and appears whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace arena {

/// Writes to a temporary file beside `path`; Commit makes it appear. Without a Commit the temporary
/// file is removed. Small writes are gathered. Movable; not thread-safe.
class OutputFile {
 public:
  static Result<OutputFile> Create(const std::filesystem::path& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  Status Write(std::span<const std::byte> bytes);
  Status Write(std::string_view text) { return Write(std::as_bytes(std::span(text))); }
  /// Zeros up to a multiple of `alignment` bytes from the start of the file.
  Status PadTo(std::int64_t alignment);
  /// Bytes written so far.
  std::int64_t size() const { return size_; }

  /// Flushes to the disk and renames; readers see the old file or the new one.
  Status Commit();

 private:
  OutputFile(std::filesystem::path path, std::filesystem::path temporary, int fd);
  Status Flush();
  Status WriteThrough(std::span<const std::byte> bytes);
  Error SystemError(std::string_view action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;  ///< -1: committed or moved from
  std::int64_t size_ = 0;
  std::string pending_;
};

}  // namespace arena
