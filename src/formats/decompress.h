// gzip and zstd as streams.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/byte_stream.h"

namespace arena {

enum class Compression { kNone, kGzip, kZstd };

/// By the first bytes of a file (up to four are looked at).
Compression DetectCompression(std::string_view prefix);

/// The stream of what `compressed` holds (for kNone: `compressed` itself). `name` is for messages.
Result<std::unique_ptr<ByteStream>> Decompress(Compression compression, std::string name,
                                               std::unique_ptr<ByteStream> compressed);

}  // namespace arena
