// Instructions of one format, ARENA_FUZZ_FORMAT.
#include <cstdint>

#include "check.h"
#include "formats/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  static const arena::InstructionFormat format = *arena::ParseInstructionFormat(ARENA_FUZZ_FORMAT);
  const auto source =
      arena::InputSource::Memory("input", {reinterpret_cast<const char*>(data), size});
  arena::fuzz::CheckBothModes([&](const arena::ReadOptions& read, int& delivered) {
    arena::InstructionOptions options;
    options.read = read;
    return arena::ReadInstructionSource(
        format, source, options, [&](arena::Instruction&& instruction) -> arena::Status {
          ++delivered;
          Demand(!instruction.conversation.empty(), "an instruction asks something");
          Demand(instruction.key == arena::ConversationKey(instruction.conversation),
                 "the key is that of the conversation");
          return {};
        });
  });
  return 0;
}
