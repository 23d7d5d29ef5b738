// Many texts to vectors at once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/embedder.h"
#include "curate/kept_pool.h"
#include "curate/lexical_embedder.h"

namespace arena {

/// Embeds all texts on `threads` threads (0: all): (texts, embedder.dimensions()).
Result<std::vector<float>> EmbedAll(const Embedder& embedder,
                                    std::span<const std::string_view> texts, unsigned threads);

/// The embedding that needs no model, its features counted on the items of `pool`.
Result<LexicalEmbedder> CountedLexicalEmbedder(const KeptPool& pool, std::uint64_t seed,
                                               unsigned threads);

}  // namespace arena
