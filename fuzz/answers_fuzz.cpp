// Recorded answers of one format, ARENA_FUZZ_FORMAT.
#include <cstdint>

#include "check.h"
#include "formats/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  static const arena::AnswerFormat format = *arena::ParseAnswerFormat(ARENA_FUZZ_FORMAT);
  const auto source =
      arena::InputSource::Memory("input", {reinterpret_cast<const char*>(data), size});
  arena::fuzz::CheckBothModes([&](const arena::ReadOptions& read, int& delivered) {
    arena::AnswerOptions options;
    options.read = read;
    return arena::ReadAnswerSource(format, source, options,
                                   [&](arena::RecordedAnswer&& answer) -> arena::Status {
                                     ++delivered;
                                     Demand(!answer.turns.empty(), "an answer has a turn");
                                     Demand(answer.line > 0, "an answer has a place");
                                     return {};
                                   });
  });
  return 0;
}
