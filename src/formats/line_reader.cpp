#include "formats/line_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace arena {

Result<LineReader> LineReader::Open(const InputSource& source, std::size_t max_line_bytes) {
  ARENA_ASSIGN_OR_RETURN(ByteWindow window, ByteWindow::Open(source));
  return LineReader(std::move(window), max_line_bytes);
}

LineReader::LineReader(ByteWindow window, std::size_t max_line_bytes)
    : window_(std::move(window)), max_line_bytes_(max_line_bytes) {}

Status LineReader::SkipLongLine() {
  while (true) {
    const auto* const newline =
        static_cast<const char*>(std::memchr(window_.begin(), '\n', window_.size()));
    if (newline != nullptr) {
      window_.Consume(static_cast<std::size_t>(newline - window_.begin()) + 1);
      return {};
    }
    window_.Consume(window_.size());
    ARENA_ASSIGN_OR_RETURN(const bool more, window_.Grow());
    if (!more) return {};
  }
}

Result<bool> LineReader::Next() {
  if (in_long_line_) {
    in_long_line_ = false;
    ARENA_RETURN_IF_ERROR(SkipLongLine());
  }
  std::size_t searched = 0;
  const char* newline = nullptr;
  while (true) {
    if (window_.size() > searched) {
      newline = static_cast<const char*>(
          std::memchr(window_.begin() + searched, '\n', window_.size() - searched));
    }
    if (newline != nullptr) break;
    searched = window_.size();
    if (searched > max_line_bytes_) break;
    ARENA_ASSIGN_OR_RETURN(const bool more, window_.Grow());
    if (!more) break;
  }
  if (newline == nullptr && window_.size() == 0) return false;
  ++number_;
  terminated_ = newline != nullptr;
  std::size_t length = window_.size();
  if (terminated_) length = static_cast<std::size_t>(newline - window_.begin());
  if (length > max_line_bytes_) {
    in_long_line_ = true;
    return InvalidLine(window_.name(), number_,
                       fmt::format("the line is longer than {} bytes", max_line_bytes_));
  }
  line_ = std::string_view(window_.begin(), length);
  window_.Consume(length + (terminated_ ? 1 : 0));
  if (terminated_ && line_.ends_with('\r')) line_.remove_suffix(1);
  return true;
}

}  // namespace arena
