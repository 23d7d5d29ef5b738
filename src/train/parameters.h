// The weights of a network in training: one flat array, and who stands where in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "checkpoint/tensor.h"

namespace arena::train {

/// Low-rank adapters (Hu et al. 2021): y = W x + alpha / rank * B A x, A (rank, inputs), B
/// (outputs, rank), for each of the linear layers named.
struct LoraOptions {
  std::int64_t rank = 8;
  double alpha = 16;
  /// Of "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj".
  std::vector<std::string> targets = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                      "gate_proj", "up_proj", "down_proj"};
};

/// What a network computes after its last layer.
struct Heads {
  bool language = true;  ///< log-probabilities of tokens
  bool score = false;    ///< one number a token: `score.weight`, [1, hidden_size]
};

/// A tensor's place in the flat array; gradients and moments stand the same way in theirs.
struct ParameterRange {
  TensorSpec tensor;  ///< named as Hugging Face and, for adapters, PEFT do
  std::size_t begin = 0;
  std::size_t size = 0;  ///< the number of its elements
  bool decays = true;    ///< under weight decay: matrices do, norms and biases do not

  std::size_t end() const { return begin + size; }
};

/// The order of the flat array: the model's weights, the score head, the adapters. The weights of
/// queries, keys and values stand one after another, and so do those of gate and up: each group is
/// one matrix. Immutable: thread-safe.
class ParameterLayout {
 public:
  ParameterLayout(const ModelConfig& config, const Heads& heads,
                  const std::optional<LoraOptions>& lora = std::nullopt);

  const std::vector<ParameterRange>& ranges() const { return ranges_; }
  /// Numbers in the whole array.
  std::size_t size() const { return ranges_.empty() ? 0 : ranges_.back().end(); }
  /// Everything from here on is trained: all of it, or with adapters they and the score head.
  std::size_t trainable_begin() const { return trainable_begin_; }
  std::size_t trainable_size() const { return size() - trainable_begin_; }
  /// nullptr: no such tensor.
  const ParameterRange* Find(std::string_view name) const;

 private:
  void Add(TensorSpec spec);

  std::vector<ParameterRange> ranges_;
  std::size_t trainable_begin_ = 0;
};

/// The name that PEFT gives the matrix `part` ("lora_A" or "lora_B") of a linear layer, for example
/// "model.layers.0.self_attn.q_proj".
std::string AdapterName(std::string_view linear, std::string_view part);

/// Reads the weights that the checkpoint has into an array of layout.size(). What it has not and
/// training adds starts by rule: score.weight and each B with 0, each A uniformly in
/// +-sqrt(3 / inputs) from `seed`, as PEFT does up to its generator. Errors name the tensor: one
/// that is missing, NaN or infinite.
Result<std::vector<float>> LoadParameters(const Checkpoint& checkpoint,
                                          const ParameterLayout& layout, std::uint64_t seed);

/// Adds each adapter's product to its weight and sets its B to 0, so that the sum stays the same.
void MergeAdapters(const ParameterLayout& layout, const LoraOptions& lora,
                   std::vector<float>& values);

}  // namespace arena::train
