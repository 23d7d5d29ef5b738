// Attention of new tokens over the cached keys and values of their sequence.
#pragma once

#include <cstddef>
#include <cstdint>

#include "checkpoint/config.h"
#include "lm/kv_cache.h"
#include "lm/memory.h"

namespace arena::lm {

/// Working memory of Attend, reused from call to call.
struct AttentionScratch {
  FloatBuffer queries;  ///< (rows, head_dim), scaled
  FloatBuffer scores;   ///< (rows, tokens in blocks)
  FloatBuffer outputs;  ///< (rows, head_dim in panels)
};

/// New tokens of one sequence, whose keys and values the cache holds already.
struct AttentionInput {
  const SequenceCache* sequence = nullptr;
  std::int64_t position = 0;       ///< of the first new token
  std::size_t tokens = 0;          ///< how many
  const float* queries = nullptr;  ///< (tokens, heads * head_dim), rotated
  std::size_t query_stride = 0;
  float* outputs = nullptr;  ///< (tokens, heads * head_dim)
  std::size_t output_stride = 0;
};

/// outputs = softmax(q k / sqrt(head_dim)) v over the tokens that each position sees: itself and
/// those before it, at most the window of the layer. A token's result does not depend on how many
/// tokens are computed at once. Thread-safe with a scratch of one's own.
void Attend(const ModelConfig& config, const KvCache& cache, std::size_t layer,
            const AttentionInput& input, AttentionScratch& scratch);

}  // namespace arena::lm
