#include "formats/decompress.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace arena {
namespace {

constexpr std::size_t kInputBytes = std::size_t{128} << 10;

/// A buffer of compressed bytes in front of a stream.
class CompressedInput {
 public:
  explicit CompressedInput(std::unique_ptr<ByteStream> stream)
      : stream_(std::move(stream)), buffer_(kInputBytes) {}

  /// Makes bytes available if none are; false at the end.
  Result<bool> Fill() {
    if (begin_ < end_) return true;
    begin_ = 0;
    ARENA_ASSIGN_OR_RETURN(end_, stream_->Read(buffer_.data(), buffer_.size()));
    return end_ > 0;
  }
  char* data() { return buffer_.data() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  void Consume(std::size_t count) { begin_ += count; }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Error EndsEarly(std::string_view name, std::string_view kind) {
  return InvalidInput(fmt::format(
      "{}: the {} data ends too early: the file was cut off while it was written or copied", name,
      kind));
}

Error Damaged(std::string_view name, std::string_view kind, std::string_view why) {
  return InvalidInput(fmt::format("{}: the {} data is damaged ({})", name, kind, why));
}

class GzipStream final : public ByteStream {
 public:
  GzipStream(std::string name, std::unique_ptr<ByteStream> compressed)
      : name_(std::move(name)), input_(std::move(compressed)) {}
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  ~GzipStream() override {
    if (ready_) inflateEnd(&inflater_);
  }

  Status Init() {
    // 15: the largest window; +16: a gzip header and checksum.
    if (inflateInit2(&inflater_, 15 + 16) != Z_OK) return InternalError("zlib cannot start");
    ready_ = true;
    return {};
  }

  Result<std::size_t> Read(char* data, std::size_t size) override {
    const auto wanted = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30U));
    inflater_.next_out = reinterpret_cast<Bytef*>(data);
    inflater_.avail_out = wanted;
    while (inflater_.avail_out == wanted && !ended_) {
      ARENA_ASSIGN_OR_RETURN(const bool more, input_.Fill());
      if (!more) {
        if (in_member_) return EndsEarly(name_, "gzip");
        ended_ = true;
      } else if (!in_member_) {
        ARENA_RETURN_IF_ERROR(StartMember());
      } else {
        ARENA_RETURN_IF_ERROR(Inflate());
      }
    }
    return std::size_t{wanted} - inflater_.avail_out;
  }

 private:
  /// Between members: another one follows, or zeros that pad the file.
  Status StartMember() {
    if (padding_ || (members_ > 0 && *input_.data() == '\0')) {
      padding_ = true;
      const std::string_view rest(input_.data(), input_.size());
      if (rest.find_first_not_of('\0') != std::string_view::npos) {
        return Damaged(name_, "gzip", "something else follows its end");
      }
      input_.Consume(input_.size());
      return {};
    }
    if (members_ > 0) inflateReset(&inflater_);
    ++members_;
    in_member_ = true;
    return {};
  }

  Status Inflate() {
    inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
    inflater_.avail_in = static_cast<uInt>(input_.size());
    const int code = inflate(&inflater_, Z_NO_FLUSH);
    input_.Consume(input_.size() - inflater_.avail_in);
    if (code == Z_STREAM_END) {
      in_member_ = false;
    } else if (code == Z_MEM_ERROR) {
      return InternalError(fmt::format("{}: no memory to read gzip data", name_));
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Damaged(name_, "gzip", inflater_.msg != nullptr ? inflater_.msg : "cannot read it");
    }
    return {};
  }

  std::string name_;
  CompressedInput input_;
  z_stream inflater_{};
  bool ready_ = false;
  bool in_member_ = false;
  bool padding_ = false;
  bool ended_ = false;
  int members_ = 0;
};

class ZstdStream final : public ByteStream {
 public:
  ZstdStream(std::string name, std::unique_ptr<ByteStream> compressed)
      : name_(std::move(name)), input_(std::move(compressed)) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    if (context_ == nullptr) return InternalError("zstd cannot start");
    ZSTD_outBuffer out{data, size, 0};
    while (out.pos == 0 && !ended_) {
      ARENA_ASSIGN_OR_RETURN(const bool more, input_.Fill());
      if (!more) {
        // Data may still wait inside the decoder when its last input is used up.
        if (!in_frame_) ended_ = true;
        if (ended_) break;
      }
      ZSTD_inBuffer in{input_.data(), more ? input_.size() : 0, 0};
      const std::size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(hint) != 0) return Damaged(name_, "zstd", ZSTD_getErrorName(hint));
      input_.Consume(in.pos);
      in_frame_ = hint != 0;
      if (!more && out.pos == 0 && in_frame_) return EndsEarly(name_, "zstd");
    }
    return out.pos;
  }

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  std::string name_;
  CompressedInput input_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_{ZSTD_createDCtx()};
  bool in_frame_ = false;
  bool ended_ = false;
};

}  // namespace

Compression DetectCompression(std::string_view prefix) {
  if (prefix.starts_with("\x1F\x8B")) return Compression::kGzip;
  if (prefix.starts_with("\x28\xB5\x2F\xFD")) return Compression::kZstd;
  // A file may begin with a frame that zstd skips: 0x184D2A50 to 0x184D2A5F, little-endian.
  if (prefix.size() >= 4 && (static_cast<unsigned char>(prefix[0]) & 0xF0U) == 0x50U &&
      prefix.substr(1, 3) == "\x2A\x4D\x18") {
    return Compression::kZstd;
  }
  return Compression::kNone;
}

Result<std::unique_ptr<ByteStream>> Decompress(Compression compression, std::string name,
                                               std::unique_ptr<ByteStream> compressed) {
  switch (compression) {
    case Compression::kNone:
      return compressed;
    case Compression::kGzip: {
      auto stream = std::make_unique<GzipStream>(std::move(name), std::move(compressed));
      ARENA_RETURN_IF_ERROR(stream->Init());
      return stream;
    }
    case Compression::kZstd:
      return std::make_unique<ZstdStream>(std::move(name), std::move(compressed));
  }
  return InternalError("unknown compression");
}

}  // namespace arena
