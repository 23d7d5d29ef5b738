#include "battle/internal/lineup.h"

#include <fmt/format.h>

#include <string>

namespace arena {

Result<Lineup> MakeLineup(std::span<ChatModel* const> models, const PairingOptions& pairing) {
  std::vector<std::string> names;
  for (const ChatModel* model : models) names.push_back(model->contestant().name);
  Lineup lineup;
  ARENA_ASSIGN_OR_RETURN(lineup.pairs, MakePairs(names, pairing));
  std::vector<bool> plays(models.size());
  for (auto& [a, b] : lineup.pairs) {
    const Key key_a = models[a]->contestant().key();
    const Key key_b = models[b]->contestant().key();
    if (key_a == key_b) {
      return InvalidInput(fmt::format(
          "\"{}\" and \"{}\" are the same contestant: nothing that can change an answer differs",
          names[a], names[b]));
    }
    if (key_b < key_a) std::swap(a, b);
    plays[a] = plays[b] = true;
  }
  for (std::size_t m = 0; m < plays.size(); ++m) {
    if (plays[m]) lineup.playing.push_back(m);
  }
  return lineup;
}

}  // namespace arena
