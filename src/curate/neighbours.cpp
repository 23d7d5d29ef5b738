#include <faiss/IndexFlat.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <unordered_map>

#include "curate/internal/embed_all.h"
#include "curate/leakage.h"

namespace arena {
namespace {

struct Neighbour {
  double similarity = 0;
  std::uint32_t item = 0;
};

bool IsNearer(const Neighbour& a, const Neighbour& b) {
  if (a.similarity != b.similarity) return a.similarity > b.similarity;
  return a.item < b.item;
}

// Summed in one order, so that the result does not depend on FAISS's threads.
double Similarity(const float* a, const float* b, std::size_t dimensions) {
  double sum = 0;
  for (std::size_t d = 0; d < dimensions; ++d) {
    sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
  }
  return sum;
}

// The nearest items of each benchmark item so far.
class NeighbourSearch {
 public:
  NeighbourSearch(std::vector<float> queries, std::size_t dimensions, std::size_t neighbours)
      : queries_(std::move(queries)),
        dimensions_(dimensions),
        neighbours_(neighbours),
        nearest_(queries_.size() / dimensions) {}

  Status Add(std::span<const std::uint32_t> items, const std::vector<float>& vectors) {
    // A few more than wanted, as FAISS may order near ties otherwise than Similarity().
    constexpr std::size_t kSpare = 8;
    const std::size_t wanted = std::min(neighbours_ + kSpare, items.size());
    std::vector<float> scores(nearest_.size() * wanted);
    std::vector<faiss::Index::idx_t> labels(nearest_.size() * wanted);
    try {
      faiss::IndexFlatIP index(static_cast<faiss::Index::idx_t>(dimensions_));
      index.add(static_cast<faiss::Index::idx_t>(items.size()), vectors.data());
      index.search(static_cast<faiss::Index::idx_t>(nearest_.size()), queries_.data(),
                   static_cast<faiss::Index::idx_t>(wanted), scores.data(), labels.data());
    } catch (const std::exception& e) {
      return InternalError(fmt::format("nearest neighbours: {}", e.what()));
    }
    for (std::size_t q = 0; q < nearest_.size(); ++q) {
      for (std::size_t k = 0; k < wanted; ++k) {
        const auto label = labels[q * wanted + k];
        if (label < 0) continue;
        const auto place = static_cast<std::size_t>(label);
        nearest_[q].push_back(
            {Similarity(&queries_[q * dimensions_], &vectors[place * dimensions_], dimensions_),
             items[place]});
      }
      std::sort(nearest_[q].begin(), nearest_[q].end(), IsNearer);
      nearest_[q].resize(std::min(nearest_[q].size(), neighbours_));
    }
    return {};
  }

  const std::vector<std::vector<Neighbour>>& nearest() const { return nearest_; }

 private:
  std::vector<float> queries_;
  std::size_t dimensions_;
  std::size_t neighbours_;
  std::vector<std::vector<Neighbour>> nearest_;
};

std::vector<Removal> RemovalsOf(const std::vector<std::vector<Neighbour>>& nearest,
                                const NeighbourOptions& options) {
  std::unordered_map<std::uint32_t, Removal> removals;
  for (std::size_t q = 0; q < nearest.size(); ++q) {
    for (const Neighbour& neighbour : nearest[q]) {
      if (neighbour.similarity < options.least_similarity) continue;
      const auto [entry, is_new] = removals.try_emplace(neighbour.item);
      Removal& removal = entry->second;
      if (!is_new && removal.similarity >= neighbour.similarity) continue;
      removal = {neighbour.item,
                 fmt::format("among the {} nearest of a benchmark item", options.neighbours),
                 static_cast<std::uint32_t>(q), true, neighbour.similarity};
    }
  }
  std::vector<Removal> sorted;
  for (auto& [item, removal] : removals) sorted.push_back(std::move(removal));
  std::sort(sorted.begin(), sorted.end(),
            [](const Removal& a, const Removal& b) { return a.item < b.item; });
  return sorted;
}

}  // namespace

Result<std::vector<Removal>> RemoveNeighbours(const KeptPool& pool,
                                              std::span<const std::string> benchmark,
                                              const Embedder& embedder,
                                              const NeighbourOptions& options) {
  if (benchmark.empty()) return std::vector<Removal>();
  const std::vector<std::string_view> texts(benchmark.begin(), benchmark.end());
  ARENA_ASSIGN_OR_RETURN(std::vector<float> queries, EmbedAll(embedder, texts, options.threads));
  NeighbourSearch search(std::move(queries), embedder.dimensions(),
                         static_cast<std::size_t>(options.neighbours));
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    ARENA_ASSIGN_OR_RETURN(const std::vector<float> vectors,
                           EmbedAll(embedder, batch.texts, options.threads));
    return search.Add(batch.items, vectors);
  }));
  return RemovalsOf(search.nearest(), options);
}

}  // namespace arena
