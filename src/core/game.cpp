#include "core/game.h"

namespace arena {

Key JudgeIdentity::key() const { return KeyBuilder("judge").Add(behaviour).Build(); }

Key GameKey(const Instruction& instruction, const Key& first_text, const Key& second_text,
            const Key& judge, int sample) {
  KeyBuilder builder("game");
  builder.Add(instruction.key).Add(first_text).Add(second_text).Add(judge).Add(sample);
  builder.Add(instruction.reference ? HashBytes(*instruction.reference) : Key{});
  return builder.Build();
}

Key TextKey(const std::vector<std::string>& turns) {
  KeyBuilder builder("text");
  for (const std::string& turn : turns) builder.Add(turn);
  return builder.Build();
}

}  // namespace arena
