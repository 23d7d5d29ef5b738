#include "lm/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

namespace arena::lm {
namespace {

// A tensor's place among the outputs of a matrix.
struct Part {
  std::string name;
  std::size_t first = 0;
};

// Finds out which matrices there are and how large, makes them, fills them.
class Loader {
 public:
  Loader(TensorLookup find, bool is_mapped_file, Precision precision)
      : find_(find), is_mapped_file_(is_mapped_file), precision_(precision) {}

  // Two bytes where that is asked for or loses nothing.
  Storage StorageOf(std::initializer_list<Part> parts) const {
    const bool exact = std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
      const TensorView* tensor = find_(part.name);
      return tensor != nullptr && tensor->dtype == DType::kBf16;
    });
    if (precision_ == Precision::kBf16) return Storage::kBf16Rounded;
    return exact ? Storage::kBf16 : Storage::kF32;
  }

  // First pass: only counts the bytes. Second pass: makes and fills the matrix.
  Status Add(Matrix& matrix, std::size_t outputs, std::size_t inputs,
             std::initializer_list<Part> parts) {
    const Storage storage = StorageOf(parts);
    if (memory_ == nullptr) {
      bytes_ += PageMemory::Rounded(Matrix::Bytes(outputs, inputs, storage));
      return {};
    }
    matrix = Matrix(outputs, inputs, storage, *memory_);
    for (const Part& part : parts) {
      ARENA_ASSIGN_OR_RETURN(const TensorView* tensor, Find(part.name));
      ARENA_RETURN_IF_ERROR(matrix.SetRows(part.first, *tensor, is_mapped_file_));
    }
    return {};
  }

  // Appends a vector; only in the second pass.
  Status Add(std::vector<float>& vector, const std::string& name) {
    if (memory_ == nullptr) return {};
    ARENA_ASSIGN_OR_RETURN(const TensorView* tensor, Find(name));
    const std::size_t begin = vector.size();
    vector.resize(begin + tensor->element_count());
    const std::span<float> values = std::span(vector).subspan(begin);
    ReadFloats(*tensor, 0, values);
    const auto bad = std::find_if(values.begin(), values.end(),
                                  [](float value) { return !std::isfinite(value); });
    if (bad == values.end()) return {};
    return InvalidInput(
        fmt::format("weight {}: element {} is {}", name, bad - values.begin(), *bad));
  }

  void Fill(PageMemory& memory) { memory_ = &memory; }
  std::size_t bytes() const { return bytes_; }

 private:
  Result<const TensorView*> Find(const std::string& name) const {
    const TensorView* tensor = find_(name);
    if (tensor == nullptr) return InvalidInput(fmt::format("weight {} is missing", name));
    return tensor;
  }

  TensorLookup find_;
  bool is_mapped_file_;
  Precision precision_;
  std::size_t bytes_ = 0;
  PageMemory* memory_ = nullptr;  // null in the first pass
};

Status AddAttention(Loader& loader, const ModelConfig& config, const std::string& prefix,
                    LayerWeights& layer) {
  const auto hidden = static_cast<std::size_t>(config.hidden_size);
  const auto queries = static_cast<std::size_t>(config.heads * config.head_dim);
  const auto keys = static_cast<std::size_t>(config.kv_heads * config.head_dim);
  const std::string attention = prefix + "self_attn.";
  ARENA_RETURN_IF_ERROR(loader.Add(layer.qkv, queries + 2 * keys, hidden,
                                   {{attention + "q_proj.weight", 0},
                                    {attention + "k_proj.weight", queries},
                                    {attention + "v_proj.weight", queries + keys}}));
  if (config.qkv_bias) {
    for (const char* name : {"q_proj.bias", "k_proj.bias", "v_proj.bias"}) {
      ARENA_RETURN_IF_ERROR(loader.Add(layer.qkv_bias, attention + name));
    }
  }
  if (config.qk_norm) {
    ARENA_RETURN_IF_ERROR(loader.Add(layer.query_norm, attention + "q_norm.weight"));
    ARENA_RETURN_IF_ERROR(loader.Add(layer.key_norm, attention + "k_norm.weight"));
  }
  if (config.output_bias) {
    ARENA_RETURN_IF_ERROR(loader.Add(layer.output_bias, attention + "o_proj.bias"));
  }
  return loader.Add(layer.output, hidden, queries, {{attention + "o_proj.weight", 0}});
}

Status AddLayer(Loader& loader, const ModelConfig& config, std::size_t index, LayerWeights& layer) {
  const auto hidden = static_cast<std::size_t>(config.hidden_size);
  const auto inner = static_cast<std::size_t>(config.intermediate_size);
  const std::string prefix = fmt::format("model.layers.{}.", index);
  ARENA_RETURN_IF_ERROR(loader.Add(layer.input_norm, prefix + "input_layernorm.weight"));
  ARENA_RETURN_IF_ERROR(AddAttention(loader, config, prefix, layer));
  ARENA_RETURN_IF_ERROR(
      loader.Add(layer.attention_norm, prefix + "post_attention_layernorm.weight"));
  const std::size_t up = RoundUpToPanel(inner);
  ARENA_RETURN_IF_ERROR(
      loader.Add(layer.gate_up, up + inner, hidden,
                 {{prefix + "mlp.gate_proj.weight", 0}, {prefix + "mlp.up_proj.weight", up}}));
  return loader.Add(layer.down, hidden, inner, {{prefix + "mlp.down_proj.weight", 0}});
}

}  // namespace

std::string_view PrecisionName(Precision precision) {
  return precision == Precision::kF32 ? "f32" : "bf16";
}

Result<Weights> Weights::Load(const Checkpoint& checkpoint, Precision precision) {
  const auto find = [&](std::string_view name) { return checkpoint.Find(name); };
  return Fill(checkpoint.config(), find, true, precision);
}

Result<Weights> Weights::Copy(const ModelConfig& config, TensorLookup find, Precision precision) {
  return Fill(config, find, false, precision);
}

Result<Weights> Weights::Fill(const ModelConfig& config, TensorLookup find, bool is_mapped_file,
                              Precision precision) {
  const auto vocabulary = static_cast<std::size_t>(config.vocab_size);
  const auto hidden = static_cast<std::size_t>(config.hidden_size);
  Weights weights;
  weights.is_tied_ = config.tie_word_embeddings || !config.uses_logits();
  weights.layers_.resize(static_cast<std::size_t>(config.layers));
  Loader loader(find, is_mapped_file, precision);
  const auto pass = [&]() -> Status {
    ARENA_RETURN_IF_ERROR(
        loader.Add(weights.embedding_, vocabulary, hidden, {{"model.embed_tokens.weight", 0}}));
    for (std::size_t i = 0; i < weights.layers_.size(); ++i) {
      ARENA_RETURN_IF_ERROR(AddLayer(loader, config, i, weights.layers_[i]));
    }
    ARENA_RETURN_IF_ERROR(loader.Add(weights.final_norm_, "model.norm.weight"));
    if (!config.has_language_head()) {
      ARENA_RETURN_IF_ERROR(loader.Add(weights.score_, "score.weight"));
    }
    if (weights.is_tied_) return {};
    return loader.Add(weights.head_, vocabulary, hidden, {{"lm_head.weight", 0}});
  };
  ARENA_RETURN_IF_ERROR(pass());
  ARENA_ASSIGN_OR_RETURN(weights.memory_, PageMemory::Reserve(loader.bytes()));
  loader.Fill(weights.memory_);
  ARENA_RETURN_IF_ERROR(pass());
  return weights;
}

}  // namespace arena::lm
