// Verdicts of one format, ARENA_FUZZ_FORMAT.
#include <array>
#include <cstdint>

#include "check.h"
#include "formats/verdicts.h"

namespace {

using arena::fuzz::Demand;
using arena::fuzz::Touch;

void CheckStyle(const std::optional<arena::StyleCounts>& style) {
  if (!style) return;
  for (const double count : {style->tokens, style->headers, style->lists, style->bold}) {
    Demand(count >= 0, "a count is 0 or more");
  }
}

void CheckBattle(arena::VerdictFormat format, const arena::BattleRecord& battle) {
  for (const auto text : {battle.instruction, battle.category, battle.language, battle.judge,
                          battle.model_a, battle.model_b, battle.text_a, battle.text_b}) {
    Touch(text);
  }
  Demand(!battle.model_a.empty() && !battle.model_b.empty(), "models have names");
  Demand(battle.model_a != battle.model_b, "no model meets itself");
  Demand(battle.game_count == 1 || battle.game_count == 2, "one game or two");
  for (int g = 0; g < battle.game_count; ++g) {
    const arena::GameOutcome& game = battle.games[static_cast<std::size_t>(g)];
    Demand(game.share_a >= 0 && game.share_a <= 1, "a share is from 0 to 1");
  }
  CheckStyle(battle.style_a);
  CheckStyle(battle.style_b);
  const auto rated = arena::Outcome(battle, arena::DefaultOutcome(format));
  if (rated.ok()) Demand(rated->count >= 0 && rated->count <= 2, "results are counted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const arena::VerdictFormat format = *arena::ParseVerdictFormat(ARENA_FUZZ_FORMAT);
  const std::array sources = {
      arena::InputSource::Memory("input", {reinterpret_cast<const char*>(data), size})};
  arena::fuzz::CheckBothModes([&](const arena::ReadOptions& read, int& delivered) {
    arena::VerdictOptions options;
    options.read = read;
    return arena::ReadVerdictSources(format, sources, options,
                                     [&](const arena::BattleRecord& battle) -> arena::Status {
                                       ++delivered;
                                       CheckBattle(format, battle);
                                       return {};
                                     });
  });
  return 0;
}
