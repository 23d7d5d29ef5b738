// Lines of plain, gzip and zstd bytes.
#include <algorithm>
#include <cstdint>

#include "check.h"
#include "formats/line_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMaxLine = std::size_t{1} << 20;
  auto reader = arena::LineReader::Open(arena::InputSource::Memory("input", bytes), kMaxLine);
  if (!reader.ok()) return 0;
  std::int64_t lines = 0;
  while (true) {
    const auto more = reader->Next();
    if (!more.ok()) return 0;
    if (!*more) break;
    Demand(reader->number() == ++lines, "lines are counted");
    Demand(reader->line().find('\n') == std::string_view::npos, "a line has no newline");
    Demand(reader->line().size() <= kMaxLine, "lines are limited");
    arena::fuzz::Touch(reader->line());
  }
  const bool compressed = bytes.starts_with("\x1F\x8B") || bytes.find("\xB5\x2F\xFD") == 1 ||
                          bytes.find("\x2A\x4D\x18") == 1;
  if (!compressed) {
    const std::string_view text = bytes.starts_with("\xEF\xBB\xBF") ? bytes.substr(3) : bytes;
    const auto newlines = std::count(text.begin(), text.end(), '\n');
    const bool rest = !text.empty() && text.back() != '\n';
    Demand(lines == newlines + (rest ? 1 : 0), "no line is lost");
  }
  return 0;
}
