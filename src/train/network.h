// The Llama family with gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/config.h"
#include "lm/memory.h"
#include "lm/precision.h"
#include "lm/token.h"
#include "train/causal_attention.h"
#include "train/language_head.h"
#include "train/packed.h"
#include "train/parameters.h"

namespace arena::train {

/// Sequences one after another, without padding: what one pass computes. None sees another.
struct PackedBatch {
  std::vector<lm::Token> tokens;  ///< a row each
  std::vector<std::size_t> ends;  ///< the row behind each sequence, ascending

  void Add(std::span<const lm::Token> sequence) {
    tokens.insert(tokens.end(), sequence.begin(), sequence.end());
    ends.push_back(tokens.size());
  }
  void Clear() {
    tokens.clear();
    ends.clear();
  }
};

struct NetworkOptions {
  Heads heads = {};
  std::optional<LoraOptions> lora = std::nullopt;
  lm::Precision precision = lm::Precision::kF32;
  /// Keeps only the input of each layer and computes the rest again in the backward pass: a third
  /// more arithmetic, memory of one layer instead of all.
  bool activation_checkpointing = false;
  /// Logits are computed for a block of the vocabulary at a time, about so many at once; where
  /// there are at most `logits_kept` in all they are kept for Backward (256 MB), else computed
  /// again.
  std::size_t logits_at_once = std::size_t{1} << 21;
  std::size_t logits_kept = std::size_t{1} << 26;
};

/// One model in training. The weights belong to the caller and may change between passes. All
/// arithmetic is in Scalar (float, or double for checks); with Precision::kBf16 matrix products
/// round their factors to bfloat16, the residual stream, norms, softmax and sums stay in float.
/// A pass over the same batch gives the same bits. Not thread-safe; uses the calling thread only.
///
/// Order of calls: Forward, then LogProbabilities and Scores as wanted, then Backward at most once.
template <typename Scalar>
class Network {
 public:
  Network(const ModelConfig& config, const NetworkOptions& options);

  const ParameterLayout& layout() const { return layout_; }
  const ModelConfig& config() const { return config_; }

  /// `values` are layout().size() weights. `for_backward`: keeps what Backward needs.
  void Forward(const Scalar* values, const PackedBatch& batch, bool for_backward);

  /// log p(target) under softmax(logits / temperature) for each prediction; where `entropies` is
  /// not empty also that distribution's entropy in nats. One call a pass.
  void LogProbabilities(std::span<const Prediction> predictions, Scalar temperature,
                        std::span<Scalar> log_probabilities, std::span<Scalar> entropies = {});

  /// The score head's number in each of these rows. One call a pass.
  void Scores(std::span<const std::size_t> rows, std::span<Scalar> scores);

  /// Adds the gradient of a loss to `gradients` (layout().trainable_size()), given the loss's
  /// gradients of the numbers that LogProbabilities and Scores returned (empty: zero).
  void Backward(std::span<const Scalar> dlog_probabilities, std::span<const Scalar> dscores,
                Scalar* gradients);

  /// Bytes that a pass over `rows` rows keeps for Backward, beside weights and gradients:
  /// sizeof(Scalar) * rows * (per layer: 2 hidden + queries + keys + values + queries + heads +
  /// 2 intermediate + 2; with checkpointing: hidden per layer and the sum once).
  static std::size_t ActivationBytes(const ModelConfig& config, const NetworkOptions& options,
                                     std::size_t rows);

 private:
  struct Adapter {
    std::size_t a, b;  // offsets
    std::size_t first, outputs;
  };
  // One matrix, or several that read the same input.
  struct Linear {
    std::size_t weight = 0;
    std::size_t outputs = 0, inputs = 0;
    std::vector<std::size_t> biases;  // offsets, in the order of the outputs
    std::vector<std::size_t> bias_sizes;
    std::vector<Adapter> adapters;
  };
  struct Layer {
    std::size_t input_norm = 0, attention_norm = 0;
    std::optional<std::size_t> query_norm, key_norm;
    Linear qkv, output, gate_up, down;
    std::int64_t window = 0;
  };
  // What a layer's backward pass needs, (rows, ...).
  struct LayerState {
    lm::Buffer<Scalar> qkv;           // rotated
    lm::Buffer<Scalar> raw;           // queries and keys before their norms; only with those norms
    lm::Buffer<Scalar> head_factors;  // of those norms
    lm::Buffer<Scalar> attended, log_sums;
    lm::Buffer<Scalar> middle;  // the residual stream between attention and SwiGLU
    lm::Buffer<Scalar> gate_up;
    lm::Buffer<Scalar> input_factors, middle_factors;  // of the norms
  };

  std::size_t Offset(std::string_view name) const;
  Linear MakeLinear(const std::string& prefix, std::initializer_list<const char*> names) const;
  Layer MakeLayer(std::size_t index) const;
  Scalar* Gradient(std::size_t offset) const;

  void Embed(const PackedBatch& batch, Scalar* to);
  const Scalar* Norm(const Scalar* x, std::size_t weight, Scalar* factors);
  void BackwardNorm(const Scalar* x, std::size_t weight, const Scalar* factors, const Scalar* dy,
                    Scalar* dx);
  void Apply(const Linear& linear, const Scalar* x, Scalar* y, bool accumulate);
  void ApplyAdapters(const Linear& linear, const Scalar* x, Scalar* y);
  void BackwardLinear(const Linear& linear, const Scalar* x, const Scalar* dy, Scalar* dx);
  void BackwardAdapters(const Linear& linear, const Scalar* x, const Scalar* dy, Scalar* dx);
  void RunLayer(const Layer& layer, const Scalar* x, LayerState& state, Scalar* next);
  void BackwardLayer(const Layer& layer, const Scalar* x, LayerState& state, Scalar* dx);
  void NormHeads(const Layer& layer, LayerState& state);
  void BackwardNormHeads(const Layer& layer, const LayerState& state, Scalar* dqkv);
  void Rotate(Scalar* qkv, Scalar direction);
  const Scalar* Activate(const LayerState& state);
  void BackwardEmbedding(const Scalar* dx);
  void BackwardScores(std::span<const Scalar> dscores, Scalar* dhidden);

  ModelConfig config_;
  NetworkOptions options_;
  ParameterLayout layout_;
  std::size_t hidden_, inner_, queries_, keys_, head_dim_;
  std::vector<Layer> layers_;
  std::size_t embedding_ = 0, final_norm_ = 0, head_weight_ = 0, score_ = 0;
  std::vector<Scalar> cosines_, sines_;  // (positions, head_dim / 2)

  // The current pass.
  const Scalar* values_ = nullptr;
  Scalar* gradients_ = nullptr;
  const PackedBatch* batch_ = nullptr;
  std::size_t rows_ = 0;
  std::vector<std::size_t> positions_;
  std::vector<lm::Buffer<Scalar>> inputs_;  // of each layer and of the last norm
  std::vector<LayerState> states_;          // one a layer, or one for all
  lm::Buffer<Scalar> final_factors_, final_hidden_;
  std::vector<std::size_t> score_rows_;

  CausalAttention<Scalar> attention_;
  LanguageHead<Scalar> head_;
  Packed<Scalar> packed_;
  lm::Buffer<Scalar> normed_, activated_, dnormed_, dqkv_, dgate_up_, dattended_, dhidden_, dx_;
  lm::Buffer<Scalar> low_rank_, dlow_rank_, dactivated_;
};

}  // namespace arena::train
