// A file that grows while others may read it.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace arena::train::internal {

/// Each Append is one write of whole records to the end; after it they survive the end of the
/// process. Movable. Not thread-safe.
class AppendFile {
 public:
  enum class Mode { kOpenOrCreate, kCreateNew };

  /// Error of kCreateNew: the file exists already.
  static Result<AppendFile> Open(const std::filesystem::path& path, Mode mode);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  /// Error: the disk is full or failed; a part of the record may have been written.
  Status Append(std::string_view record);

 private:
  AppendFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::filesystem::path path_;
  int fd_ = -1;  ///< -1: moved from
};

}  // namespace arena::train::internal
