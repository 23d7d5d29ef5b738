// Bytes of an outside file, plain or compressed, and a window over them for readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace arena {

/// What to read: a file, or bytes in memory (tests, fuzzing). Cheap to copy.
struct InputSource {
  std::string name;                       ///< for messages
  std::filesystem::path path;             ///< used when `bytes` is not set
  std::optional<std::string_view> bytes;  ///< must outlive every reader of this source

  static InputSource File(const std::filesystem::path& path);
  static InputSource Memory(std::string name, std::string_view bytes);
};

/// Bytes in order. Not thread-safe.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Fills up to `size` bytes (size > 0) and returns how many; 0 only at the end.
  virtual Result<std::size_t> Read(char* data, std::size_t size) = 0;
};

/// Opens a source. gzip (also several members) and zstd (also several frames) are recognised by
/// their first bytes, whatever the file's name, and read as what they hold. Errors: NotFound, an
/// I/O error, and from Read() InvalidInput for damaged data or data that ends too early.
Result<std::unique_ptr<ByteStream>> OpenBytes(const InputSource& source);

/// The bytes of a stream that a reader has not used yet, in one piece. Readers take what they
/// understand from the front and ask for more. Movable; not thread-safe.
class ByteWindow {
 public:
  /// Bytes behind the window's end that may be read, their content is anything (simdjson needs it).
  static constexpr std::size_t kPadding = 64;

  /// Opens the source and skips a UTF-8 byte order mark; UTF-16 is an error.
  static Result<ByteWindow> Open(const InputSource& source);

  /// Name of the source, for messages.
  const std::string& name() const { return name_; }
  /// The bytes at hand; writable. Valid until the next Grow().
  char* begin() const { return buffer_.get() + begin_; }
  char* end() const { return buffer_.get() + end_; }
  std::size_t size() const { return end_ - begin_; }

  /// Drops `count` bytes from the front.
  void Consume(std::size_t count) { begin_ += count; }

  /// Adds bytes behind the ones at hand, which may move. False: the stream has ended.
  Result<bool> Grow();

 private:
  ByteWindow(std::string name, std::unique_ptr<ByteStream> stream);
  Status SkipByteOrderMark();

  std::string name_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;  ///< without the padding
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace arena
