// The protocol of arena-lm: every line is a message or an error with a text.
#include <cstdint>

#include "check.h"
#include "lm/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto parsed = arena::lm::ParseMessage(line);
  if (const auto* bad = std::get_if<arena::lm::BadLine>(&parsed)) {
    arena::fuzz::Demand(!bad->message.empty(), "errors say what is wrong");
  }
  return 0;
}
