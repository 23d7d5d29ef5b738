// Lines of a file of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "formats/byte_stream.h"

namespace arena {

/// No line, CSV row or JSON row may be longer; memory stays within a small multiple of it.
inline constexpr std::size_t kDefaultMaxRowBytes = std::size_t{64} << 20;

/// Reads lines from a plain, gzip or zstd source in bounded memory. Movable; not thread-safe.
///
///   ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(path)));
///   while (true) {
///     ARENA_ASSIGN_OR_RETURN(const bool more, reader.Next());
///     if (!more) break;
///     Use(reader.line(), reader.number());
///   }
class LineReader {
 public:
  static Result<LineReader> Open(const InputSource& source,
                                 std::size_t max_line_bytes = kDefaultMaxRowBytes);
  /// Continues where the window stands, which is taken to be line 1.
  explicit LineReader(ByteWindow window, std::size_t max_line_bytes = kDefaultMaxRowBytes);

  /// Goes to the next line; false at the end. Errors: a longer line than allowed (with file and
  /// line), damaged or cut off compressed data, I/O. After an error with recoverable() true (a line
  /// that is too long) the next call goes on with the line after it; other errors end the reading.
  Result<bool> Next();
  bool recoverable() const { return in_long_line_; }

  /// Without its "\n" or "\r\n". Valid until the next Next(). ByteWindow::kPadding bytes behind its
  /// end may be read.
  std::string_view line() const { return line_; }
  /// Counts from 1.
  std::int64_t number() const { return number_; }
  /// False: the last line of a file that does not end with a newline; it may be torn.
  bool terminated() const { return terminated_; }
  const std::string& name() const { return window_.name(); }

 private:
  Status SkipLongLine();

  ByteWindow window_;
  std::size_t max_line_bytes_;
  std::string_view line_;
  std::int64_t number_ = 0;
  bool terminated_ = true;
  bool in_long_line_ = false;  ///< the window stands within a line that is too long
};

}  // namespace arena
