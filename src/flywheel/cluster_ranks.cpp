#include "flywheel/internal/cluster_ranks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/pool_item.h"
#include "curate/clustering.h"
#include "curate/lexical_embedder.h"

namespace arena::flywheel {
namespace {

// The instructions of the candidates that are selected, in the order of their keys.
std::vector<Key> SelectedInstructions(const std::vector<Candidate>& candidates) {
  std::vector<Key> keys;
  for (const Candidate& candidate : candidates) {
    if (candidate.fate == Fate::kSelected) keys.push_back(candidate.instruction);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::size_t PlaceOf(const std::vector<Key>& keys, const Key& key) {
  return static_cast<std::size_t>(std::lower_bound(keys.begin(), keys.end(), key) - keys.begin());
}

// Calls sink(place, text) once for each of the instructions.
Status ForEachText(Store& store, const BattleQuery& query, const std::vector<Key>& keys,
                   FunctionRef<Status(std::size_t, std::string_view)> sink) {
  std::vector<bool> seen(keys.size(), false);
  return store.ForEachDetail(query, [&](const BattleDetail& detail) -> Status {
    const std::size_t place = PlaceOf(keys, detail.battle.instruction);
    if (place == keys.size() || keys[place] != detail.battle.instruction || seen[place]) return {};
    seen[place] = true;
    return sink(place, PromptText(detail.instruction.conversation));
  });
}

Result<std::vector<float>> EmbedInstructions(Store& store, const BattleQuery& query,
                                             const SelectionSettings& settings,
                                             const std::vector<Key>& keys) {
  LexicalEmbedder embedder(settings.seed);
  ARENA_RETURN_IF_ERROR(
      ForEachText(store, query, keys, [&](std::size_t, std::string_view text) -> Status {
        embedder.Count({&text, 1}, 1);
        return {};
      }));
  constexpr std::size_t kSize = LexicalEmbedder::kDimensions;
  std::vector<float> vectors(keys.size() * kSize);
  ARENA_RETURN_IF_ERROR(
      ForEachText(store, query, keys, [&](std::size_t place, std::string_view text) -> Status {
        return embedder.Embed({&text, 1}, std::span(vectors).subspan(place * kSize, kSize));
      }));
  return vectors;
}

// 0 for the first turn, -1 for the second ...
std::vector<double> Turns(const std::vector<Key>& keys, const VectorClusters& clustering,
                          std::uint64_t seed) {
  std::vector<std::vector<std::pair<double, std::size_t>>> members(clustering.clusters);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    members[clustering.cluster_of[i]].emplace_back(Draw(seed, "clusters", keys[i]), i);
  }
  std::vector<double> turns(keys.size());
  for (auto& cluster : members) {
    std::sort(cluster.begin(), cluster.end());
    for (std::size_t turn = 0; turn < cluster.size(); ++turn) {
      turns[cluster[turn].second] = -static_cast<double>(turn);
    }
  }
  return turns;
}

}  // namespace

Status RankByClusters(Store& store, const BattleQuery& query, const SelectionSettings& settings,
                      std::vector<Candidate>& candidates) {
  const std::vector<Key> keys = SelectedInstructions(candidates);
  if (keys.empty()) return {};
  ARENA_ASSIGN_OR_RETURN(const std::vector<float> vectors,
                         EmbedInstructions(store, query, settings, keys));
  ARENA_ASSIGN_OR_RETURN(const VectorClusters clustering,
                         ClusterVectors(vectors, LexicalEmbedder::kDimensions,
                                        {.clusters = settings.clusters, .seed = settings.seed}));
  const std::vector<double> turns = Turns(keys, clustering, settings.seed);
  for (Candidate& candidate : candidates) {
    if (candidate.fate != Fate::kSelected) continue;
    candidate.rank = turns[PlaceOf(keys, candidate.instruction)];
  }
  return {};
}

}  // namespace arena::flywheel
