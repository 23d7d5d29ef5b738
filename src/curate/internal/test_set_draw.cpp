#include "curate/internal/test_set_draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace arena {
namespace {

// The members of each cluster in the order in which they are taken.
class DrawPile {
 public:
  DrawPile(std::span<const std::uint32_t> cluster_of, std::size_t clusters,
           std::span<const Key> keys, std::uint64_t seed)
      : members_(clusters), taken_(clusters) {
    std::vector<Key> draws;
    for (const Key& key : keys) {
      draws.push_back(KeyBuilder("test set").Add(static_cast<std::int64_t>(seed)).Add(key).Build());
    }
    for (std::uint32_t i = 0; i < cluster_of.size(); ++i) members_[cluster_of[i]].push_back(i);
    for (auto& items : members_) {
      std::sort(items.begin(), items.end(),
                [&](std::uint32_t a, std::uint32_t b) { return draws[a] < draws[b]; });
    }
  }

  // Takes `each` items of every cluster, then one more of those that have the most left, in turn,
  // until there are `wanted` in all. The items, cluster by cluster.
  std::vector<std::uint32_t> Take(std::size_t each, std::size_t wanted) {
    std::vector<std::size_t> share(members_.size());
    std::size_t total = 0;
    for (std::size_t c = 0; c < share.size(); ++c) {
      share[c] = std::min(each, Left(c));
      total += share[c];
      short_clusters_ += share[c] < each ? 1 : 0;
    }
    std::vector<std::size_t> order(members_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return Left(a) > Left(b); });
    for (bool grew = true; grew && total < wanted;) {
      grew = false;
      for (const std::size_t c : order) {
        if (total == wanted || share[c] == Left(c)) continue;
        ++share[c];
        ++total;
        grew = true;
      }
    }
    std::vector<std::uint32_t> items;
    for (std::size_t c = 0; c < share.size(); ++c) {
      const auto begin = members_[c].begin() + static_cast<std::ptrdiff_t>(taken_[c]);
      items.insert(items.end(), begin, begin + static_cast<std::ptrdiff_t>(share[c]));
      taken_[c] += share[c];
    }
    return items;
  }

  // Clusters that had too few at the last Take; forgets them.
  std::size_t TakeShortClusters() { return std::exchange(short_clusters_, 0); }

 private:
  std::size_t Left(std::size_t cluster) const { return members_[cluster].size() - taken_[cluster]; }

  std::vector<std::vector<std::uint32_t>> members_;
  std::vector<std::size_t> taken_;
  std::size_t short_clusters_ = 0;
};

}  // namespace

TestSetDraw DrawTestSet(std::span<const std::uint32_t> cluster_of, std::size_t clusters,
                        std::span<const Key> keys, const TestSetSettings& settings) {
  DrawPile pile(cluster_of, clusters, keys, settings.seed);
  TestSetDraw draw;
  if (clusters < static_cast<std::size_t>(settings.clusters)) {
    draw.notes.push_back(
        fmt::format("The pool has {} different prompts, so there are {} clusters in place of {}.",
                    cluster_of.size(), clusters, settings.clusters));
  }
  const auto each = static_cast<std::size_t>(settings.diverse_per_cluster);
  draw.diverse = pile.Take(each, each * clusters);
  if (const std::size_t count = pile.TakeShortClusters(); count > 0) {
    draw.notes.push_back(
        fmt::format("{} of {} clusters have fewer than {} prompts. {}", count, clusters, each,
                    draw.diverse.size() == each * clusters
                        ? "Larger clusters gave more to Diverse in their place."
                        : fmt::format("Diverse takes every prompt there is: {} in place of {}.",
                                      draw.diverse.size(), each * clusters)));
  }
  const auto candidates = static_cast<std::size_t>(settings.candidates_per_cluster);
  const auto hard = static_cast<std::size_t>(settings.hard);
  if (hard == 0) return draw;
  draw.candidates = pile.Take(candidates, hard);
  if (const std::size_t count = pile.TakeShortClusters(); count > 0) {
    draw.notes.push_back(fmt::format(
        "{} of {} clusters have fewer than {} prompts left for Hard: {} candidates in place of {}.",
        count, clusters, candidates, draw.candidates.size(), candidates * clusters));
  }
  return draw;
}

}  // namespace arena
