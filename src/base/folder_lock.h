// One process at a time in a folder.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/result.h"

namespace arena {

/// Holds a folder until it is destroyed or the process ends, even by a kill. Others that ask for
/// the same folder wait or fail; who does not ask is not kept out. Movable.
class FolderLock {
 public:
  /// Errors: kUnavailable, another process held it for all of `patience`; a folder that cannot be
  /// opened.
  static Result<FolderLock> Take(const std::filesystem::path& folder,
                                 std::chrono::milliseconds patience);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace arena
