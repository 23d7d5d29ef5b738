#include "lm/reference_model.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <stdexcept>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "checkpoint/config.h"
#include "checkpoint/safetensors.h"

namespace arena::lm {
namespace {

Json BaseConfig(const char* architecture, const char* type) {
  return {{"architectures", {architecture}},
          {"model_type", type},
          {"hidden_act", "silu"},
          {"hidden_size", 40},
          {"intermediate_size", 72},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", false},
          {"torch_dtype", "float32"},
          {"vocab_size", 97}};
}

Variant Make(const char* name, Json config, const Json& changes) {
  for (const auto& [key, value] : changes.items()) config[key] = value;
  return {name, DumpJson(config, 2)};
}

// A number near 0 with the deviation given; the sum of four uniform ones is near enough to normal.
double Random(Rng& rng, double deviation) {
  const double sum = rng.Uniform() + rng.Uniform() + rng.Uniform() + rng.Uniform() - 2;
  return sum * deviation * std::sqrt(3.0);
}

std::vector<float> RandomTensor(const TensorSpec& spec, Rng& rng) {
  std::vector<float> values(static_cast<std::size_t>(ElementCount(spec.shape).value()));
  const bool is_norm = spec.name.find("norm") != std::string::npos;
  const bool is_embedding = spec.name.find("embed") != std::string::npos;
  const double deviation =
      spec.shape.size() == 1 ? 0.3 : 1 / std::sqrt(static_cast<double>(spec.shape[1]));
  for (float& value : values) {
    value = static_cast<float>((is_norm ? 1 : 0) + Random(rng, is_embedding ? 0.5 : deviation));
  }
  return values;
}

}  // namespace

std::vector<Variant> AllVariants() {
  const Json llama = BaseConfig("LlamaForCausalLM", "llama");
  const auto scaled = [&](const char* name, const Json& scaling) {
    return Make(name, llama, {{"rope_scaling", scaling}});
  };
  return {
      Make("llama_mha_tied", llama, {{"num_key_value_heads", 4}, {"tie_word_embeddings", true}}),
      Make("llama_gqa_untied", llama, Json::object()),
      Make("llama_biases", llama, {{"attention_bias", true}, {"num_key_value_heads", 1}}),
      scaled("rope_linear", {{"rope_type", "linear"}, {"factor", 4.0}}),
      scaled("rope_dynamic", {{"rope_type", "dynamic"}, {"factor", 2.0}}),
      scaled("rope_yarn",
             {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 32}}),
      scaled("rope_llama3", {{"rope_type", "llama3"},
                             {"factor", 8.0},
                             {"low_freq_factor", 1.0},
                             {"high_freq_factor", 4.0},
                             {"original_max_position_embeddings", 64}}),
      Make("mistral_window", BaseConfig("MistralForCausalLM", "mistral"), {{"sliding_window", 37}}),
      Make("qwen2", BaseConfig("Qwen2ForCausalLM", "qwen2"), {{"tie_word_embeddings", true}}),
      Make("qwen3", BaseConfig("Qwen3ForCausalLM", "qwen3"), {{"head_dim", 34}}),
  };
}

Variant VariantNamed(std::string_view name) {
  for (Variant& variant : AllVariants()) {
    if (variant.name == name) return variant;
  }
  throw std::out_of_range(std::string(name));
}

Variant RewardVariant(bool is_tied, double likelihood_weight, double likelihood_floor) {
  return Make("reward", BaseConfig("LlamaForSequenceClassification", "llama"),
              {{"num_labels", 1},
               {"tie_word_embeddings", is_tied},
               {"likelihood_weight", likelihood_weight},
               {"likelihood_floor", likelihood_floor}});
}

ReferenceModel::ReferenceModel(const Variant& variant, std::uint64_t seed, DType dtype,
                               const std::filesystem::path& directory, std::string_view poison) {
  const Json json = ParseJson(variant.config).value();
  hidden_ = json["hidden_size"];
  layers_ = json["num_hidden_layers"];
  heads_ = json["num_attention_heads"];
  kv_heads_ = json["num_key_value_heads"];
  head_dim_ = json.value("head_dim", hidden_ / heads_);
  window_ = json.value("sliding_window", std::numeric_limits<std::size_t>::max());
  epsilon_ = json["rms_norm_eps"];
  theta_ = json["rope_theta"];
  frequencies_ = Frequencies();
  if (json.contains("rope_scaling")) Stretch(json["rope_scaling"].dump());

  const auto written = WriteFileAtomic(directory / "config.json", variant.config);
  const auto config = LoadConfig(directory);
  if (!written.ok() || !config.ok())
    throw std::runtime_error("no config: " + config.error().message);
  Rng rng(seed);
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorSource> sources;
  const std::vector<TensorSpec> specs = ExpectedTensors(*config);
  bytes.reserve(specs.size());
  for (const TensorSpec& spec : specs) {
    std::vector<float> values = RandomTensor(spec, rng);
    if (spec.name == poison) values[3] = NAN;
    bytes.emplace_back(values.size() * DTypeBytes(dtype));
    WriteFloats(values, dtype, bytes.back());
    const TensorView view{spec.name, dtype, spec.shape, bytes.back()};
    ReadFloats(view, 0, values);
    weights_[spec.name].assign(values.begin(), values.end());
    sources.push_back(SourceOf(view));
  }
  const Status stored = WriteSafetensorsFile(directory / "model.safetensors", sources);
  if (!stored.ok()) throw std::runtime_error(stored.error().message);
}

std::vector<double> ReferenceModel::Frequencies() const {
  std::vector<double> frequencies;
  for (std::size_t i = 0; i < head_dim_; i += 2) {
    frequencies.push_back(
        1 / std::pow(theta_, static_cast<double>(i) / static_cast<double>(head_dim_)));
  }
  return frequencies;
}

// "dynamic" is plain within the context.
void ReferenceModel::Stretch(const std::string& scaling_text) {
  const Json scaling = ParseJson(scaling_text).value();
  const std::string kind = scaling["rope_type"];
  const double factor = scaling["factor"];
  const double context = scaling.value("original_max_position_embeddings", 0.0);
  const double turn = 2 * std::numbers::pi;
  const auto dim = static_cast<double>(head_dim_);
  // The dimension of which the context has so many full turns.
  const auto dimension = [&](double turns) {
    return dim / 2 * std::log(context / (turn * turns)) / std::log(theta_);
  };
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    double& frequency = frequencies_[i];
    if (kind == "linear") frequency /= factor;
    if (kind == "yarn") {
      const double low = std::max(0.0, std::floor(dimension(32)));
      const double high = std::min(dim - 1, std::ceil(dimension(1)));
      const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
      frequency = frequency / factor * ramp + frequency * (1 - ramp);
      rope_scale_ = 0.1 * std::log(factor) + 1;
    }
    if (kind == "llama3") {
      const double low = scaling["low_freq_factor"], high = scaling["high_freq_factor"];
      const double turns = context * frequency / turn;
      const double smooth = std::clamp((turns - low) / (high - low), 0.0, 1.0);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
}

const std::vector<double>& ReferenceModel::Weight(const std::string& name) const {
  return weights_.at(name);
}

std::vector<double> ReferenceModel::Linear(const std::string& name,
                                           const std::vector<double>& x) const {
  const std::vector<double>& weight = Weight(name + ".weight");
  std::vector<double> y(weight.size() / x.size());
  const auto bias = weights_.find(name + ".bias");
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = bias == weights_.end() ? 0 : bias->second[i];
    for (std::size_t k = 0; k < x.size(); ++k) y[i] += weight[i * x.size() + k] * x[k];
  }
  return y;
}

std::vector<double> ReferenceModel::Norm(const std::string& name,
                                         const std::vector<double>& x) const {
  double squares = 0;
  for (const double value : x) squares += value * value;
  std::vector<double> y = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] *=
        Weight(name + ".weight")[i] / std::sqrt(squares / static_cast<double>(x.size()) + epsilon_);
  }
  return y;
}

void ReferenceModel::Rotate(std::vector<double>& head, std::size_t position) const {
  const std::size_t half = head_dim_ / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(position) * frequencies_[i];
    const double a = head[i] * rope_scale_, b = head[i + half] * rope_scale_;
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + half] = b * std::cos(angle) + a * std::sin(angle);
  }
}

// Splits a projection into heads, normalised where the model does, and rotated.
Rows ReferenceModel::Heads(const std::string& name, const std::vector<double>& x,
                           std::size_t position, bool is_rotated) const {
  const std::vector<double> all = Linear(name + "_proj", x);
  Rows heads;
  for (std::size_t begin = 0; begin < all.size(); begin += head_dim_) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(begin);
    heads.emplace_back(from, from + static_cast<std::ptrdiff_t>(head_dim_));
    if (!is_rotated) continue;
    if (weights_.contains(name + "_norm.weight")) heads.back() = Norm(name + "_norm", heads.back());
    Rotate(heads.back(), position);
  }
  return heads;
}

void ReferenceModel::Attention(std::size_t layer, Rows& states) const {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  std::vector<Rows> queries, keys, values;
  for (std::size_t t = 0; t < states.size(); ++t) {
    const std::vector<double> x = Norm(prefix + "input_layernorm", states[t]);
    queries.push_back(Heads(prefix + "self_attn.q", x, t, true));
    keys.push_back(Heads(prefix + "self_attn.k", x, t, true));
    values.push_back(Heads(prefix + "self_attn.v", x, t, false));
  }
  for (std::size_t t = 0; t < states.size(); ++t) {
    std::vector<double> joined;
    const std::size_t first = t + 1 > window_ ? t + 1 - window_ : 0;
    for (std::size_t h = 0; h < heads_; ++h) {
      const std::size_t kv = h / (heads_ / kv_heads_);
      std::vector<double> weights;
      for (std::size_t s = first; s <= t; ++s) {
        double dot = 0;
        for (std::size_t d = 0; d < head_dim_; ++d) dot += queries[t][h][d] * keys[s][kv][d];
        weights.push_back(dot / std::sqrt(static_cast<double>(head_dim_)));
      }
      weights = LogSoftmax(weights);
      for (std::size_t d = 0; d < head_dim_; ++d) {
        double sum = 0;
        for (std::size_t s = first; s <= t; ++s) {
          sum += std::exp(weights[s - first]) * values[s][kv][d];
        }
        joined.push_back(sum);
      }
    }
    const std::vector<double> change = Linear(prefix + "self_attn.o_proj", joined);
    for (std::size_t i = 0; i < hidden_; ++i) states[t][i] += change[i];
  }
}

void ReferenceModel::SwiGlu(std::size_t layer, Rows& states) const {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  for (std::vector<double>& state : states) {
    const std::vector<double> x = Norm(prefix + "post_attention_layernorm", state);
    std::vector<double> inner = Linear(prefix + "mlp.gate_proj", x);
    const std::vector<double> up = Linear(prefix + "mlp.up_proj", x);
    for (std::size_t i = 0; i < inner.size(); ++i) inner[i] *= up[i] / (1 + std::exp(-inner[i]));
    const std::vector<double> change = Linear(prefix + "mlp.down_proj", inner);
    for (std::size_t i = 0; i < hidden_; ++i) state[i] += change[i];
  }
}

Rows ReferenceModel::Hidden(const std::vector<Token>& tokens) const {
  const std::vector<double>& embedding = Weight("model.embed_tokens.weight");
  Rows states;
  for (const Token token : tokens) {
    const auto from = embedding.begin() + static_cast<std::ptrdiff_t>(hidden_) * token;
    states.emplace_back(from, from + static_cast<std::ptrdiff_t>(hidden_));
  }
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    Attention(layer, states);
    SwiGlu(layer, states);
  }
  for (std::vector<double>& state : states) state = Norm("model.norm", state);
  return states;
}

Rows ReferenceModel::Logits(const std::vector<Token>& tokens) const {
  Rows rows = Hidden(tokens);
  const bool is_untied = weights_.contains("lm_head.weight");
  for (std::vector<double>& row : rows) {
    row = Linear(is_untied ? "lm_head" : "model.embed_tokens", row);
  }
  return rows;
}

double ReferenceModel::Score(const std::vector<Token>& tokens) const {
  return Linear("score", Hidden(tokens).back())[0];
}

std::vector<double> ReferenceModel::LogSoftmax(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - largest);
  std::vector<double> result;
  for (const double logit : logits) result.push_back(logit - largest - std::log(sum));
  return result;
}

}  // namespace arena::lm
