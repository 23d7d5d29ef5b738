#include <fmt/format.h>

#include "checkpoint/config.h"

namespace arena {
namespace {

// Collects the tensors below one prefix.
class Collector {
 public:
  explicit Collector(std::vector<TensorSpec>& out) : out_(out) {}

  void SetPrefix(std::string prefix) { prefix_ = std::move(prefix); }
  void Add(std::string_view name, TensorShape shape) {
    out_.push_back({fmt::format("{}{}", prefix_, name), std::move(shape)});
  }
  void AddLinear(std::string_view name, std::int64_t out, std::int64_t in, bool bias = false) {
    Add(fmt::format("{}.weight", name), {out, in});
    if (bias) Add(fmt::format("{}.bias", name), {out});
  }

 private:
  std::vector<TensorSpec>& out_;
  std::string prefix_;
};

void AddLayer(const ModelConfig& config, Collector& add) {
  const std::int64_t queries = config.heads * config.head_dim;
  const std::int64_t keys = config.kv_heads * config.head_dim;
  add.Add("input_layernorm.weight", {config.hidden_size});
  add.AddLinear("self_attn.q_proj", queries, config.hidden_size, config.qkv_bias);
  add.AddLinear("self_attn.k_proj", keys, config.hidden_size, config.qkv_bias);
  add.AddLinear("self_attn.v_proj", keys, config.hidden_size, config.qkv_bias);
  if (config.qk_norm) {
    add.Add("self_attn.q_norm.weight", {config.head_dim});
    add.Add("self_attn.k_norm.weight", {config.head_dim});
  }
  add.AddLinear("self_attn.o_proj", config.hidden_size, queries, config.output_bias);
  add.Add("post_attention_layernorm.weight", {config.hidden_size});
  add.AddLinear("mlp.gate_proj", config.intermediate_size, config.hidden_size);
  add.AddLinear("mlp.up_proj", config.intermediate_size, config.hidden_size);
  add.AddLinear("mlp.down_proj", config.hidden_size, config.intermediate_size);
}

}  // namespace

std::vector<TensorSpec> ExpectedTensors(const ModelConfig& config) {
  std::vector<TensorSpec> tensors;
  Collector add(tensors);
  add.Add("model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    add.SetPrefix(fmt::format("model.layers.{}.", layer));
    AddLayer(config, add);
  }
  add.SetPrefix("");
  add.Add("model.norm.weight", {config.hidden_size});
  if (config.uses_logits() && !config.tie_word_embeddings) {
    add.Add("lm_head.weight", {config.vocab_size, config.hidden_size});
  }
  if (!config.has_language_head()) add.Add("score.weight", {1, config.hidden_size});
  return tensors;
}

std::int64_t ParameterCount(const ModelConfig& config) {
  std::int64_t count = 0;
  for (const TensorSpec& tensor : ExpectedTensors(config)) {
    count += ElementCount(tensor.shape).value_or(0);
  }
  return count;
}

}  // namespace arena
