#include "formats/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "formats/decompress.h"

namespace arena {
namespace {

constexpr std::size_t kInitialCapacity = std::size_t{256} << 10;
// The longest magic number looked for is zstd's.
constexpr std::size_t kMagicBytes = 4;

std::string SystemMessage(int error) { return std::generic_category().message(error); }

class FileStream final : public ByteStream {
 public:
  FileStream(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;
  ~FileStream() override { ::close(descriptor_); }

  Result<std::size_t> Read(char* data, std::size_t size) override {
    while (true) {
      const ssize_t count = ::read(descriptor_, data, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) {
        return IoError(fmt::format("{}: cannot read: {}", name_, SystemMessage(errno)));
      }
    }
  }

 private:
  std::string name_;
  int descriptor_;
};

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : rest_(bytes) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    const std::size_t count = std::min(size, rest_.size());
    if (count > 0) std::memcpy(data, rest_.data(), count);
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
};

/// Gives back the bytes that were read to look at them, then the rest of the stream.
class PrefixedStream final : public ByteStream {
 public:
  PrefixedStream(std::string prefix, std::unique_ptr<ByteStream> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    if (used_ == prefix_.size()) return rest_->Read(data, size);
    const std::size_t count = std::min(size, prefix_.size() - used_);
    std::memcpy(data, prefix_.data() + used_, count);
    used_ += count;
    return count;
  }

 private:
  std::string prefix_;
  std::size_t used_ = 0;
  std::unique_ptr<ByteStream> rest_;
};

Result<std::unique_ptr<ByteStream>> OpenRaw(const InputSource& source) {
  if (source.bytes) return std::make_unique<MemoryStream>(*source.bytes);
  const int descriptor = ::open(source.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const std::string message = fmt::format("{}: {}", source.name, SystemMessage(errno));
    return errno == ENOENT ? NotFound(message) : IoError(message);
  }
  auto stream = std::make_unique<FileStream>(source.name, descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    return InvalidInput(fmt::format("{}: is a directory; name the files in it", source.name));
  }
  return stream;
}

Result<std::string> ReadPrefix(ByteStream& stream) {
  std::string prefix(kMagicBytes, '\0');
  std::size_t size = 0;
  while (size < kMagicBytes) {
    ARENA_ASSIGN_OR_RETURN(const std::size_t count,
                           stream.Read(prefix.data() + size, kMagicBytes - size));
    if (count == 0) break;
    size += count;
  }
  prefix.resize(size);
  return prefix;
}

}  // namespace

InputSource InputSource::File(const std::filesystem::path& path) {
  return {path.string(), path, std::nullopt};
}

InputSource InputSource::Memory(std::string name, std::string_view bytes) {
  return {std::move(name), {}, bytes};
}

Result<std::unique_ptr<ByteStream>> OpenBytes(const InputSource& source) {
  ARENA_ASSIGN_OR_RETURN(auto raw, OpenRaw(source));
  ARENA_ASSIGN_OR_RETURN(std::string prefix, ReadPrefix(*raw));
  const Compression compression = DetectCompression(prefix);
  const bool named_compressed = source.name.ends_with(".gz") || source.name.ends_with(".zst");
  if (prefix.empty() && named_compressed) {
    return InvalidInput(
        fmt::format("{}: is empty, so not a whole compressed file; copy it again", source.name));
  }
  auto stream = std::make_unique<PrefixedStream>(std::move(prefix), std::move(raw));
  return Decompress(compression, source.name, std::move(stream));
}

ByteWindow::ByteWindow(std::string name, std::unique_ptr<ByteStream> stream)
    : name_(std::move(name)),
      stream_(std::move(stream)),
      buffer_(std::make_unique_for_overwrite<char[]>(kInitialCapacity + kPadding)),
      capacity_(kInitialCapacity) {}

Result<ByteWindow> ByteWindow::Open(const InputSource& source) {
  ARENA_ASSIGN_OR_RETURN(auto stream, OpenBytes(source));
  ByteWindow window(source.name, std::move(stream));
  ARENA_RETURN_IF_ERROR(window.SkipByteOrderMark());
  return window;
}

Status ByteWindow::SkipByteOrderMark() {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  while (size() < kMark.size()) {
    ARENA_ASSIGN_OR_RETURN(const bool more, Grow());
    if (!more) break;
  }
  const std::string_view head(begin(), size());
  if (head.starts_with(kMark)) Consume(kMark.size());
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    return InvalidInput(fmt::format("{}: is UTF-16 text; save it as UTF-8", name_));
  }
  return {};
}

Result<bool> ByteWindow::Grow() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), begin(), size());
    end_ -= begin_;
    begin_ = 0;
  }
  // Doubling keeps the work per byte constant however long a row is.
  if (end_ > capacity_ / 2) {
    const std::size_t capacity = capacity_ * 2;
    auto buffer = std::make_unique_for_overwrite<char[]>(capacity + kPadding);
    std::memcpy(buffer.get(), buffer_.get(), end_);
    buffer_ = std::move(buffer);
    capacity_ = capacity;
  }
  ARENA_ASSIGN_OR_RETURN(const std::size_t count,
                         stream_->Read(buffer_.get() + end_, capacity_ - end_));
  end_ += count;
  return count > 0;
}

}  // namespace arena
