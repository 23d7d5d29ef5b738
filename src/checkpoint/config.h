// What a model is: config.json and generation_config.json of a Hugging Face directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/tensor.h"

namespace arena {

/// The decoders that are known. All of them: RMSNorm, rotary positions, SwiGLU, grouped queries.
enum class Architecture {
  kLlama,
  kMistral,
  kQwen2,
  kQwen3,
  /// A Llama whose head is one number (`score.weight`, [1, hidden_size]) in place of the
  /// vocabulary.
  kLlamaSequenceClassification,
};

/// As in `architectures` of config.json, for example "LlamaForCausalLM".
std::string_view ArchitectureName(Architecture architecture);

/// How rotary frequencies are stretched beyond the context of the pre-training; rope.h has the
/// formulas.
enum class RopeKind { kPlain, kLinear, kDynamic, kYarn, kLlama3 };

/// As in `rope_type` of config.json: "default", "linear", "dynamic", "yarn", "llama3".
std::string_view RopeKindName(RopeKind kind);

/// Fields that a kind does not use keep their defaults.
struct RopeScaling {
  RopeKind kind = RopeKind::kPlain;
  double factor = 1;
  /// The context of the pre-training, in tokens; 0: max_position_embeddings.
  std::int64_t original_max_position_embeddings = 0;
  // yarn
  double beta_fast = 32;
  double beta_slow = 1;
  std::optional<double> attention_factor =
      {};  ///< none: from `factor`, `mscale` and `mscale_all_dim`
  std::optional<double> mscale = {};
  std::optional<double> mscale_all_dim = {};
  bool truncate = true;  ///< round the bounds of the ramp to whole dimensions
  // llama3
  double low_freq_factor = 1;
  double high_freq_factor = 4;

  bool operator==(const RopeScaling&) const = default;
};

/// A model's dimensions and conventions. After LoadConfig or ParseConfig every count is positive,
/// at most 2^31-1, and the fields agree with each other. A plain value.
struct ModelConfig {
  Architecture architecture = Architecture::kLlama;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  ///< divides `heads`
  std::int64_t head_dim = 0;  ///< even; heads * head_dim may differ from hidden_size
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  RopeScaling rope;
  bool tie_word_embeddings = false;     ///< the head is model.embed_tokens.weight
  bool qkv_bias = false;                ///< biases of q_proj, k_proj and v_proj
  bool output_bias = false;             ///< bias of o_proj
  bool qk_norm = false;                 ///< RMSNorm over head_dim of queries and keys (Qwen3)
  std::int64_t sliding_window = 0;      ///< tokens that a token sees, itself included; 0: all
  std::int64_t first_window_layer = 0;  ///< layers before this one see all tokens
  std::optional<std::int64_t> bos_id;
  std::vector<std::int64_t> eos_ids;  ///< any of them ends a text; may be empty
  std::optional<std::int64_t> pad_id;
  DType dtype = DType::kF32;  ///< what the configuration says; the tensors decide
  // Of a reward model whose score counts likelihoods: score.weight h_last + likelihood_weight *
  // sum_t max(log p_t, likelihood_floor). 0: the plain score.
  double likelihood_weight = 0;
  double likelihood_floor = 0;

  /// The window of layer `layer` in tokens; 0: all.
  std::int64_t WindowOfLayer(std::int64_t layer) const {
    return layer >= first_window_layer ? sliding_window : 0;
  }
  bool has_language_head() const {
    return architecture != Architecture::kLlamaSequenceClassification;
  }
  /// Whether the probabilities of tokens count: all models but plain reward models.
  bool uses_logits() const { return has_language_head() || likelihood_weight != 0; }
  bool operator==(const ModelConfig&) const = default;
};

/// Reads config.json and, where there is one, generation_config.json, whose token ids come first
/// (they may list further ends of text). An unknown architecture or a value that is not supported
/// is an error that names file, key, value and what is supported.
Result<ModelConfig> LoadConfig(const std::filesystem::path& directory);

/// The same from texts; `generation_text` empty: none. `file` and `generation_file` are for errors.
Result<ModelConfig> ParseConfig(std::string_view text, std::string_view file,
                                std::string_view generation_text = {},
                                std::string_view generation_file = "generation_config.json");

/// Writes both files into an existing directory, as transformers reads them. LoadConfig gives the
/// same ModelConfig back.
Status SaveConfig(const ModelConfig& config, const std::filesystem::path& directory);
std::string ConfigJson(const ModelConfig& config);
std::string GenerationConfigJson(const ModelConfig& config);

/// The tensors that a checkpoint of this model has, with Hugging Face names, in the order of the
/// forward pass. A tied head is not among them. Linear weights are [out, in].
std::vector<TensorSpec> ExpectedTensors(const ModelConfig& config);

/// The number of weights in ExpectedTensors.
std::int64_t ParameterCount(const ModelConfig& config);

}  // namespace arena
