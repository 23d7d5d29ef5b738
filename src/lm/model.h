// The forward pass of the Llama family.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"
#include "checkpoint/config.h"
#include "lm/attention.h"
#include "lm/kv_cache.h"
#include "lm/memory.h"
#include "lm/rotary.h"
#include "lm/token.h"
#include "lm/weights.h"

namespace arena::lm {

/// The next tokens of one sequence. `sequence` knows all earlier ones and has room for these.
struct Chunk {
  std::span<const Token> tokens;  ///< not empty, each in the vocabulary
  SequenceCache* sequence = nullptr;
};

/// A model and its working memory. What it computes for a sequence does not depend on what else is
/// in the batch, nor on how the sequence is cut into chunks: the bits are the same. Movable, not
/// copyable. Not thread-safe; uses the calling thread only.
class Model {
 public:
  /// Errors: what Checkpoint::Open finds, weights that are not finite, too little memory.
  static Result<Model> Load(const std::filesystem::path& directory, Precision precision);
  static Result<Model> Load(const Checkpoint& checkpoint, Precision precision);
  /// The same with weights from memory, which are copied.
  static Result<Model> FromTensors(const ModelConfig& config, TensorLookup find,
                                   Precision precision);

  const ModelConfig& config() const { return config_; }
  Precision precision() const { return precision_; }
  const Weights& weights() const { return weights_; }
  std::int64_t parameters() const { return parameters_; }
  /// How a KvCache for this model keeps its numbers.
  Storage cache_storage() const {
    return precision_ == Precision::kF32 ? Storage::kF32 : Storage::kBf16;
  }

  /// Runs all chunks at once, adds their keys and values to the cache and moves each sequence's
  /// length on. A sequence may come once. Returns the hidden states after the last norm, (sum of
  /// tokens, hidden), in the order of the chunks, each row hidden_stride() floats after the one
  /// before; valid until the next call.
  const float* Forward(std::span<const Chunk> chunks, KvCache& cache);
  std::size_t hidden_stride() const { return hidden_stride_; }

  /// Logits (rows, vocabulary) of the hidden states in these rows of the last Forward, each row
  /// logits_stride() floats after the one before; valid until the next call.
  float* Logits(std::span<const std::size_t> rows);
  std::size_t logits_stride() const { return weights_.head().padded_outputs(); }

  /// A reward model's head on the hidden state in one row of the last Forward, in double.
  double Score(std::size_t row) const;

 private:
  Model(const ModelConfig& config, Weights weights, Precision precision);
  void Embed(std::span<const Chunk> chunks);
  void RunAttention(const LayerWeights& layer, std::size_t index, std::span<const Chunk> chunks,
                    KvCache& cache);
  void RotateAndStore(const LayerWeights& layer, std::size_t index, std::span<const Chunk> chunks,
                      KvCache& cache);
  void RunSwiGlu(const LayerWeights& layer);
  void Norm(const std::vector<float>& weight);

  ModelConfig config_;
  Precision precision_ = Precision::kF32;
  std::int64_t parameters_ = 0;
  Weights weights_;
  RotaryTable rotary_;
  std::size_t hidden_stride_ = 0;

  std::size_t rows_ = 0;    // of the current Forward
  FloatBuffer residual_;    // (rows, hidden)
  FloatBuffer normed_;      // (rows, hidden)
  FloatBuffer qkv_;         // (rows, queries + keys + values)
  FloatBuffer attended_;    // (rows, queries)
  FloatBuffer gate_up_;     // (rows, 2 * intermediate)
  FloatBuffer head_input_;  // (rows of Logits, hidden)
  FloatBuffer logits_;
  AttentionScratch attention_;
};

}  // namespace arena::lm
