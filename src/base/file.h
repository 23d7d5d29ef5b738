// Whole files: reading, writing atomically, mapping.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"

namespace arena {

/// "cannot ACTION PATH: " and what errno says; kNotFound where the file is not there, else kIo.
Error SystemError(std::string_view action, const std::filesystem::path& path);

/// The whole file as bytes.
Result<std::string> ReadFile(const std::filesystem::path& path);

/// HashBytes() of the whole file, which is mapped and not copied.
Result<Key> HashFile(const std::filesystem::path& path);

/// Writes to a temporary file beside `path`, fsyncs it and renames it: readers see the old file or
/// the new one, never a part.
Status WriteFileAtomic(const std::filesystem::path& path, std::string_view content);

/// Makes a folder and those above it where they are missing.
Status MakeFolder(const std::filesystem::path& path);

/// Writes all bytes to a descriptor, in several calls where one does not take them. False: errno
/// says why the rest was not written.
bool WriteAll(int fd, std::string_view bytes);

/// Flushes a folder's list of names to the disk: files that were made, renamed or removed in it
/// stay so after a loss of power.
Status SyncFolder(const std::filesystem::path& path);

/// A read-only view of a file's bytes, mapped. Movable, not copyable; the view lives as long as it.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace arena
