#include "battle/internal/instruction_choice.h"

#include <algorithm>

namespace arena {
namespace {

bool IsWanted(const Instruction& instruction, const BattleRunOptions& options) {
  return options.categories.empty() ||
         std::find(options.categories.begin(), options.categories.end(), instruction.category) !=
             options.categories.end();
}

}  // namespace

Result<InstructionChoice> ChooseInstructions(InstructionStream instructions,
                                             const BattleRunOptions& options) {
  InstructionChoice choice;
  KeySample sample(options.sample, options.seed);
  ARENA_RETURN_IF_ERROR(instructions([&](Instruction&& instruction) -> Status {
    if (!IsWanted(instruction, options)) return {};
    if (!choice.keys.insert(instruction.key).second) {
      ++choice.duplicates;
    } else {
      sample.Offer(instruction.key);
    }
    return {};
  }));
  if (options.sample > 0) {
    const auto drawn = sample.Take();
    choice.keys = {drawn.begin(), drawn.end()};
  }
  if (choice.keys.empty()) {
    return InvalidInput("no instruction is left to play; check the files and the categories");
  }
  return choice;
}

}  // namespace arena
