#include "plain_forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "checkpoint/rope.h"

namespace arena::interop {

PlainDecoder::PlainDecoder(const Checkpoint& checkpoint) : config_(checkpoint.config()) {
  for (const TensorView& view : checkpoint.tensors()) {
    std::vector<float>& values = weights_[view.name];
    values.resize(view.element_count());
    ReadFloats(view, 0, values);
  }
  if (!Has("lm_head.weight")) weights_["lm_head.weight"] = Weight("model.embed_tokens.weight");
}

PlainDecoder::Vector PlainDecoder::Linear(const std::string& name, const Vector& x) const {
  const auto& weight = Weight(name + ".weight");
  Vector y(weight.size() / x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (Has(name + ".bias")) y[i] = static_cast<double>(Weight(name + ".bias")[i]);
    for (std::size_t j = 0; j < x.size(); ++j) {
      y[i] += static_cast<double>(weight[i * x.size() + j]) * x[j];
    }
  }
  return y;
}

PlainDecoder::Vector PlainDecoder::Norm(const std::string& name, const Vector& x) const {
  const auto& weight = Weight(name + ".weight");
  double squares = 0;
  for (const double value : x) squares += value * value;
  const double scale =
      1 / std::sqrt(squares / static_cast<double>(x.size()) + config_.rms_norm_eps);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * static_cast<double>(weight[i]);
  return y;
}

PlainDecoder::Vector PlainDecoder::Rotated(const std::string& prefix, char which, const Vector& x,
                                           std::size_t position, std::size_t length) const {
  Vector all = Linear(fmt::format("{}{}_proj", prefix, which), x);
  const auto width = static_cast<std::size_t>(config_.head_dim), half = width / 2;
  const auto frequencies = RopeInverseFrequencies(config_, static_cast<std::int64_t>(length));
  const double magnitude = static_cast<double>(RopeAttentionScale(config_));
  for (std::size_t at = 0; at < all.size(); at += width) {
    Vector head(all.begin() + static_cast<std::ptrdiff_t>(at),
                all.begin() + static_cast<std::ptrdiff_t>(at + width));
    if (config_.qk_norm) head = Norm(fmt::format("{}{}_norm", prefix, which), head);
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) * static_cast<double>(frequencies[i]);
      const double cosine = std::cos(angle) * magnitude, sine = std::sin(angle) * magnitude;
      all[at + i] = head[i] * cosine - head[i + half] * sine;
      all[at + i + half] = head[i + half] * cosine + head[i] * sine;
    }
  }
  return all;
}

std::vector<PlainDecoder::Vector> PlainDecoder::Attend(std::int64_t layer,
                                                       const std::vector<Vector>& x) const {
  const std::string prefix = fmt::format("model.layers.{}.self_attn.", layer);
  const auto width = static_cast<std::size_t>(config_.head_dim);
  const auto heads = static_cast<std::size_t>(config_.heads);
  const std::size_t shared = heads / static_cast<std::size_t>(config_.kv_heads);
  const auto window = static_cast<std::size_t>(config_.WindowOfLayer(layer));
  std::vector<Vector> queries, keys, values, out;
  for (std::size_t t = 0; t < x.size(); ++t) {
    queries.push_back(Rotated(prefix, 'q', x[t], t, x.size()));
    keys.push_back(Rotated(prefix, 'k', x[t], t, x.size()));
    values.push_back(Linear(prefix + "v_proj", x[t]));
  }
  for (std::size_t t = 0; t < x.size(); ++t) {
    const std::size_t first = window > 0 && t + 1 > window ? t + 1 - window : 0;
    Vector mixed(heads * width);
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t q = h * width, k = h / shared * width;
      Vector weights;
      double total = 0;
      for (std::size_t s = first; s <= t; ++s) {
        double score = 0;
        for (std::size_t i = 0; i < width; ++i) score += queries[t][q + i] * keys[s][k + i];
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(width))));
        total += weights.back();
      }
      for (std::size_t s = first; s <= t; ++s) {
        for (std::size_t i = 0; i < width; ++i) {
          mixed[q + i] += weights[s - first] / total * values[s][k + i];
        }
      }
    }
    out.push_back(Linear(prefix + "o_proj", mixed));
  }
  return out;
}

std::vector<double> PlainDecoder::Logits(std::span<const std::int64_t> tokens) const {
  const auto width = static_cast<std::size_t>(config_.hidden_size);
  const auto& embedding = Weight("model.embed_tokens.weight");
  std::vector<Vector> x;
  for (const std::int64_t token : tokens) {
    const auto row = embedding.begin() + static_cast<std::ptrdiff_t>(token * config_.hidden_size);
    x.emplace_back(row, row + config_.hidden_size);
  }
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    std::vector<Vector> normed;
    for (const Vector& at : x) normed.push_back(Norm(prefix + "input_layernorm", at));
    const std::vector<Vector> mixed = Attend(layer, normed);
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t i = 0; i < width; ++i) x[t][i] += mixed[t][i];
      const Vector inner = Norm(prefix + "post_attention_layernorm", x[t]);
      Vector gate = Linear(prefix + "mlp.gate_proj", inner);
      const Vector up = Linear(prefix + "mlp.up_proj", inner);
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
      const Vector down = Linear(prefix + "mlp.down_proj", gate);
      for (std::size_t i = 0; i < width; ++i) x[t][i] += down[i];
    }
  }
  return Linear("lm_head", Norm("model.norm", x.back()));
}

}  // namespace arena::interop
