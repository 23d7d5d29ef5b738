#include "curate/internal/embed_all.h"

#include <algorithm>

#include "base/parallel.h"

namespace arena {

Result<std::vector<float>> EmbedAll(const Embedder& embedder,
                                    std::span<const std::string_view> texts, unsigned threads) {
  const std::size_t dimensions = embedder.dimensions();
  std::vector<float> vectors(texts.size() * dimensions);
  const std::size_t at_once = embedder.texts_at_once();
  const std::size_t parts = (texts.size() + at_once - 1) / at_once;
  std::vector<Status> done(parts);
  ParallelFor(parts, threads, [&](std::size_t part) {
    const std::size_t begin = part * at_once;
    const std::size_t count = std::min(at_once, texts.size() - begin);
    done[part] = embedder.Embed(texts.subspan(begin, count),
                                std::span(vectors).subspan(begin * dimensions, count * dimensions));
  });
  for (const Status& status : done) {
    if (!status.ok()) return status.error();
  }
  return vectors;
}

Result<LexicalEmbedder> CountedLexicalEmbedder(const KeptPool& pool, std::uint64_t seed,
                                               unsigned threads) {
  LexicalEmbedder embedder(seed);
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    embedder.Count(batch.texts, threads);
    return {};
  }));
  return embedder;
}

}  // namespace arena
