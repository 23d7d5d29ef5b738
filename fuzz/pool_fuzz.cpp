// Pools of one kind of file, ARENA_FUZZ_FORMAT.
#include <cstdint>

#include "check.h"
#include "formats/pool.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  const auto source = arena::InputSource::Memory("input." ARENA_FUZZ_FORMAT,
                                                 {reinterpret_cast<const char*>(data), size});
  arena::fuzz::CheckBothModes([&](const arena::ReadOptions& read, int& delivered) {
    return arena::ReadPoolSource(source, 0, {.rows = read},
                                 [&](const arena::PoolItem& item) -> arena::Status {
                                   ++delivered;
                                   Demand(item.line > 0, "an item has a line");
                                   Demand(!item.conversation.empty(), "an item asks something");
                                   for (const arena::Message& message : item.conversation) {
                                     arena::fuzz::Touch(message.content);
                                   }
                                   return {};
                                 });
  });
  return 0;
}
