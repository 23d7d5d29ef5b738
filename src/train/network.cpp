#include "train/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "lm/rotary.h"

namespace arena::train {

template <typename Scalar>
Network<Scalar>::Network(const ModelConfig& config, const NetworkOptions& options)
    : config_(config),
      options_(options),
      layout_(config, options.heads, options.lora),
      hidden_(static_cast<std::size_t>(config.hidden_size)),
      inner_(static_cast<std::size_t>(config.intermediate_size)),
      queries_(static_cast<std::size_t>(config.heads * config.head_dim)),
      keys_(static_cast<std::size_t>(config.kv_heads * config.head_dim)),
      head_dim_(static_cast<std::size_t>(config.head_dim)),
      attention_(config, options.precision),
      head_({hidden_, static_cast<std::size_t>(config.vocab_size)}, options.precision,
            options.logits_at_once, options.logits_kept),
      packed_(options.precision) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(config.layers); ++i) {
    layers_.push_back(MakeLayer(i));
  }
  embedding_ = Offset("model.embed_tokens.weight");
  final_norm_ = Offset("model.norm.weight");
  if (options.heads.language) {
    head_weight_ = config.tie_word_embeddings ? embedding_ : Offset("lm_head.weight");
  }
  if (options.heads.score) score_ = Offset("score.weight");
  inputs_.resize(layers_.size() + 1);
  states_.resize(options.activation_checkpointing ? 1 : layers_.size());
}

template <typename Scalar>
std::size_t Network<Scalar>::Offset(std::string_view name) const {
  const ParameterRange* range = layout_.Find(name);
  assert(range != nullptr);
  return range->begin;
}

template <typename Scalar>
typename Network<Scalar>::Linear Network<Scalar>::MakeLinear(
    const std::string& prefix, std::initializer_list<const char*> names) const {
  Linear linear;
  for (const char* name : names) {
    const ParameterRange* weight = layout_.Find(fmt::format("{}{}.weight", prefix, name));
    const auto outputs = static_cast<std::size_t>(weight->tensor.shape[0]);
    if (linear.outputs == 0) linear.weight = weight->begin;
    assert(weight->begin == linear.weight + linear.outputs * linear.inputs);
    linear.inputs = static_cast<std::size_t>(weight->tensor.shape[1]);
    const std::string module = fmt::format("{}{}", prefix, name);
    if (const auto* bias = layout_.Find(module + ".bias"); bias != nullptr) {
      linear.biases.push_back(bias->begin);
      linear.bias_sizes.push_back(outputs);
    }
    const ParameterRange* a = layout_.Find(AdapterName(module, "lora_A"));
    const ParameterRange* b = layout_.Find(AdapterName(module, "lora_B"));
    if (a != nullptr && b != nullptr) {
      linear.adapters.push_back({a->begin, b->begin, linear.outputs, outputs});
    }
    linear.outputs += outputs;
  }
  return linear;
}

template <typename Scalar>
typename Network<Scalar>::Layer Network<Scalar>::MakeLayer(std::size_t index) const {
  const std::string prefix = fmt::format("model.layers.{}.", index);
  Layer layer;
  layer.input_norm = Offset(prefix + "input_layernorm.weight");
  layer.attention_norm = Offset(prefix + "post_attention_layernorm.weight");
  if (config_.qk_norm) {
    layer.query_norm = Offset(prefix + "self_attn.q_norm.weight");
    layer.key_norm = Offset(prefix + "self_attn.k_norm.weight");
  }
  layer.qkv = MakeLinear(prefix + "self_attn.", {"q_proj", "k_proj", "v_proj"});
  layer.output = MakeLinear(prefix + "self_attn.", {"o_proj"});
  layer.gate_up = MakeLinear(prefix + "mlp.", {"gate_proj", "up_proj"});
  layer.down = MakeLinear(prefix + "mlp.", {"down_proj"});
  layer.window = config_.WindowOfLayer(static_cast<std::int64_t>(index));
  return layer;
}

// Where the gradient of the weight at `offset` goes; null: it is frozen.
template <typename Scalar>
Scalar* Network<Scalar>::Gradient(std::size_t offset) const {
  const std::size_t begin = layout_.trainable_begin();
  return offset < begin ? nullptr : gradients_ + (offset - begin);
}

template <typename Scalar>
void Network<Scalar>::Forward(const Scalar* values, const PackedBatch& batch, bool for_backward) {
  values_ = values;
  batch_ = &batch;
  rows_ = batch.tokens.size();
  score_rows_.clear();
  positions_.clear();
  std::size_t longest = 0;
  for (const std::size_t end : batch.ends) {
    const std::size_t length = end - positions_.size();
    longest = std::max(longest, length);
    for (std::size_t i = 0; i < length; ++i) positions_.push_back(i);
  }
  if (longest * head_dim_ / 2 > cosines_.size()) {
    lm::RotaryTable table(config_);
    table.Reserve(static_cast<std::int64_t>(longest));
    const std::size_t count = longest * head_dim_ / 2;
    cosines_.assign(table.Cosine(0), table.Cosine(0) + count);
    sines_.assign(table.Sine(0), table.Sine(0) + count);
  }
  // Without a backward pass two buffers take turns and one state serves all layers.
  Embed(batch, inputs_[0].Get(rows_ * hidden_));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::size_t from = for_backward ? i : i % 2, to = for_backward ? i + 1 : (i + 1) % 2;
    LayerState& state = states_[for_backward && states_.size() > 1 ? i : 0];
    RunLayer(layers_[i], inputs_[from].data(), state, inputs_[to].Get(rows_ * hidden_));
  }
  const std::size_t last = for_backward ? layers_.size() : layers_.size() % 2;
  const Scalar* const normed = Norm(inputs_[last].data(), final_norm_, final_factors_.Get(rows_));
  std::copy_n(normed, rows_ * hidden_, final_hidden_.Get(rows_ * hidden_));
}

template <typename Scalar>
void Network<Scalar>::Embed(const PackedBatch& batch, Scalar* to) {
  for (const lm::Token token : batch.tokens) {
    const Scalar* const from = values_ + embedding_ + static_cast<std::size_t>(token) * hidden_;
    to = std::copy_n(from, hidden_, to);
  }
}

template <typename Scalar>
const Scalar* Network<Scalar>::Norm(const Scalar* x, std::size_t weight, Scalar* factors) {
  Scalar* const y = normed_.Get(rows_ * hidden_);
  const auto epsilon = static_cast<Scalar>(config_.rms_norm_eps);
  for (std::size_t row = 0; row < rows_; ++row) {
    factors[row] = ChosenOperations<Scalar>().rms_norm(x + row * hidden_, values_ + weight, epsilon,
                                                       hidden_, y + row * hidden_);
  }
  return y;
}

// Adds the gradient of x to dx.
template <typename Scalar>
void Network<Scalar>::BackwardNorm(const Scalar* x, std::size_t weight, const Scalar* factors,
                                   const Scalar* dy, Scalar* dx) {
  for (std::size_t row = 0; row < rows_; ++row) {
    ChosenOperations<Scalar>().rms_norm_backward(x + row * hidden_, values_ + weight, factors[row],
                                                 dy + row * hidden_, hidden_, dx + row * hidden_,
                                                 Gradient(weight));
  }
}

// y (rows, outputs) = x W^T + bias, or += without a change of y's own.
template <typename Scalar>
void Network<Scalar>::Apply(const Linear& linear, const Scalar* x, Scalar* y, bool accumulate) {
  packed_.PackTransposed({values_ + linear.weight, linear.inputs, linear.outputs, linear.inputs});
  packed_.Multiply({x, linear.inputs, rows_, linear.inputs}, {y, linear.outputs, accumulate});
  std::size_t first = 0;
  for (std::size_t i = 0; i < linear.biases.size(); ++i) {
    for (std::size_t row = 0; row < rows_; ++row) {
      ChosenOperations<Scalar>().add(values_ + linear.biases[i], 1, linear.bias_sizes[i],
                                     y + row * linear.outputs + first);
    }
    first += linear.bias_sizes[i];
  }
  ApplyAdapters(linear, x, y);
}

template <typename Scalar>
void Network<Scalar>::ApplyAdapters(const Linear& linear, const Scalar* x, Scalar* y) {
  if (linear.adapters.empty()) return;
  const auto rank = static_cast<std::size_t>(options_.lora->rank);
  const auto scale = static_cast<Scalar>(options_.lora->alpha / static_cast<double>(rank));
  Scalar* const low = low_rank_.Get(rows_ * rank);
  for (const Adapter& adapter : linear.adapters) {
    packed_.PackTransposed({values_ + adapter.a, linear.inputs, rank, linear.inputs});
    packed_.Multiply({x, linear.inputs, rows_, linear.inputs}, {low, rank});
    for (std::size_t i = 0; i < rows_ * rank; ++i) low[i] *= scale;
    packed_.PackTransposed({values_ + adapter.b, rank, adapter.outputs, rank});
    packed_.Multiply({low, rank, rows_, rank}, {y + adapter.first, linear.outputs, true});
  }
}

// Adds the gradients of weights and biases; dx (rows, inputs), unless null, is filled.
template <typename Scalar>
void Network<Scalar>::BackwardLinear(const Linear& linear, const Scalar* x, const Scalar* dy,
                                     Scalar* dx) {
  const MatrixView<Scalar> dys{dy, linear.outputs, rows_, linear.outputs};
  if (Scalar* const gradient = Gradient(linear.weight); gradient != nullptr) {
    packed_.AddTransposedProduct(dys, {x, linear.inputs, rows_, linear.inputs}, gradient);
    std::size_t first = 0;
    for (std::size_t i = 0; i < linear.biases.size(); ++i) {
      for (std::size_t row = 0; row < rows_; ++row) {
        ChosenOperations<Scalar>().add(dy + row * linear.outputs + first, 1, linear.bias_sizes[i],
                                       Gradient(linear.biases[i]));
      }
      first += linear.bias_sizes[i];
    }
  }
  packed_.Pack({values_ + linear.weight, linear.inputs, linear.outputs, linear.inputs});
  packed_.Multiply(dys, {dx, linear.inputs});
  BackwardAdapters(linear, x, dy, dx);
}

// With h = x A^T and s = alpha / rank: dB = s dy^T h, dh = s dy B, dA = dh^T x, dx += dh A.
template <typename Scalar>
void Network<Scalar>::BackwardAdapters(const Linear& linear, const Scalar* x, const Scalar* dy,
                                       Scalar* dx) {
  if (linear.adapters.empty()) return;
  const auto rank = static_cast<std::size_t>(options_.lora->rank);
  const auto scale = static_cast<Scalar>(options_.lora->alpha / static_cast<double>(rank));
  const MatrixView<Scalar> xs{x, linear.inputs, rows_, linear.inputs};
  Scalar* const low = low_rank_.Get(rows_ * rank);
  Scalar* const dlow = dlow_rank_.Get(rows_ * rank);
  for (const Adapter& adapter : linear.adapters) {
    const MatrixView<Scalar> dys{dy + adapter.first, linear.outputs, rows_, adapter.outputs};
    packed_.PackTransposed({values_ + adapter.a, linear.inputs, rank, linear.inputs});
    packed_.Multiply(xs, {low, rank});
    for (std::size_t i = 0; i < rows_ * rank; ++i) low[i] *= scale;
    packed_.AddTransposedProduct(dys, {low, rank, rows_, rank}, Gradient(adapter.b));
    packed_.Pack({values_ + adapter.b, rank, adapter.outputs, rank});
    packed_.Multiply(dys, {dlow, rank});
    for (std::size_t i = 0; i < rows_ * rank; ++i) dlow[i] *= scale;
    packed_.AddTransposedProduct({dlow, rank, rows_, rank}, xs, Gradient(adapter.a));
    packed_.Pack({values_ + adapter.a, linear.inputs, rank, linear.inputs});
    packed_.Multiply({dlow, rank, rows_, rank}, {dx, linear.inputs, true});
  }
}

template <typename Scalar>
void Network<Scalar>::RunLayer(const Layer& layer, const Scalar* x, LayerState& state,
                               Scalar* next) {
  const std::size_t width = queries_ + 2 * keys_;
  const Scalar* normed = Norm(x, layer.input_norm, state.input_factors.Get(rows_));
  Scalar* const qkv = state.qkv.Get(rows_ * width);
  Apply(layer.qkv, normed, qkv, false);
  NormHeads(layer, state);
  Rotate(qkv, 1);
  Scalar* const attended = state.attended.Get(rows_ * queries_);
  attention_.Forward(qkv, batch_->ends, layer.window, attended,
                     state.log_sums.Get(rows_ * static_cast<std::size_t>(config_.heads)));
  Scalar* const middle = state.middle.Get(rows_ * hidden_);
  std::copy_n(x, rows_ * hidden_, middle);
  Apply(layer.output, attended, middle, true);
  normed = Norm(middle, layer.attention_norm, state.middle_factors.Get(rows_));
  Apply(layer.gate_up, normed, state.gate_up.Get(rows_ * 2 * inner_), false);
  if (next == nullptr) return;
  std::copy_n(middle, rows_ * hidden_, next);
  Apply(layer.down, Activate(state), next, true);
}

// silu(gate) * up
template <typename Scalar>
const Scalar* Network<Scalar>::Activate(const LayerState& state) {
  Scalar* const to = activated_.Get(rows_ * inner_);
  for (std::size_t row = 0; row < rows_; ++row) {
    const Scalar* const gate = state.gate_up.data() + row * 2 * inner_;
    ChosenOperations<Scalar>().silu_multiply(gate, gate + inner_, inner_, to + row * inner_);
  }
  return to;
}

template <typename Scalar>
void Network<Scalar>::NormHeads(const Layer& layer, LayerState& state) {
  if (!layer.query_norm) return;
  const std::size_t width = queries_ + 2 * keys_, count = (queries_ + keys_) / head_dim_;
  const auto epsilon = static_cast<Scalar>(config_.rms_norm_eps);
  Scalar* const raw = state.raw.Get(rows_ * (queries_ + keys_));
  Scalar* const factors = state.head_factors.Get(rows_ * count);
  for (std::size_t row = 0; row < rows_; ++row) {
    Scalar* const to = state.qkv.data() + row * width;
    Scalar* const kept = raw + row * (queries_ + keys_);
    std::copy_n(to, queries_ + keys_, kept);
    for (std::size_t head = 0; head < count; ++head) {
      const std::size_t at = head * head_dim_;
      const std::size_t weight = at < queries_ ? *layer.query_norm : *layer.key_norm;
      factors[row * count + head] = ChosenOperations<Scalar>().rms_norm(
          kept + at, values_ + weight, epsilon, head_dim_, to + at);
    }
  }
}

template <typename Scalar>
void Network<Scalar>::BackwardNormHeads(const Layer& layer, const LayerState& state, Scalar* dqkv) {
  if (!layer.query_norm) return;
  const std::size_t width = queries_ + 2 * keys_, count = (queries_ + keys_) / head_dim_;
  std::vector<Scalar> dx(head_dim_);
  for (std::size_t row = 0; row < rows_; ++row) {
    const Scalar* const kept = state.raw.data() + row * (queries_ + keys_);
    for (std::size_t head = 0; head < count; ++head) {
      const std::size_t at = head * head_dim_;
      const std::size_t weight = at < queries_ ? *layer.query_norm : *layer.key_norm;
      Scalar* const dy = dqkv + row * width + at;
      std::fill(dx.begin(), dx.end(), Scalar(0));
      ChosenOperations<Scalar>().rms_norm_backward(kept + at, values_ + weight,
                                                   state.head_factors.data()[row * count + head],
                                                   dy, head_dim_, dx.data(), Gradient(weight));
      std::copy(dx.begin(), dx.end(), dy);
    }
  }
}

// Queries and keys by their positions, forward or back.
template <typename Scalar>
void Network<Scalar>::Rotate(Scalar* qkv, Scalar direction) {
  const std::size_t half = head_dim_ / 2, width = queries_ + 2 * keys_;
  for (std::size_t row = 0; row < rows_; ++row) {
    const Scalar* const cosine = cosines_.data() + positions_[row] * half;
    const Scalar* const sine = sines_.data() + positions_[row] * half;
    for (std::size_t at = 0; at < queries_ + keys_; at += head_dim_) {
      ChosenOperations<Scalar>().rotate(qkv + row * width + at, cosine, sine, half, direction);
    }
  }
}

// dx: the gradient of the layer's output before, of its input after.
template <typename Scalar>
void Network<Scalar>::BackwardLayer(const Layer& layer, const Scalar* x, LayerState& state,
                                    Scalar* dx) {
  const Scalar* const activated = Activate(state);
  Scalar* const dgate_up = dgate_up_.Get(rows_ * 2 * inner_);
  // The gradient of the activated goes to where `activated` is no longer needed.
  Scalar* const dactivated = dactivated_.Get(rows_ * inner_);
  BackwardLinear(layer.down, activated, dx, dactivated);
  for (std::size_t row = 0; row < rows_; ++row) {
    const Scalar* const gate = state.gate_up.data() + row * 2 * inner_;
    Scalar* const to = dgate_up + row * 2 * inner_;
    ChosenOperations<Scalar>().silu_multiply_backward(
        gate, gate + inner_, dactivated + row * inner_, inner_, to, to + inner_);
  }
  Scalar* const dnormed = dnormed_.Get(rows_ * hidden_);
  const Scalar* normed =
      Norm(state.middle.data(), layer.attention_norm, state.middle_factors.data());
  BackwardLinear(layer.gate_up, normed, dgate_up, dnormed);
  BackwardNorm(state.middle.data(), layer.attention_norm, state.middle_factors.data(), dnormed, dx);

  Scalar* const dattended = dattended_.Get(rows_ * queries_);
  BackwardLinear(layer.output, state.attended.data(), dx, dattended);
  Scalar* const dqkv = dqkv_.Get(rows_ * (queries_ + 2 * keys_));
  attention_.Backward(state.qkv.data(), batch_->ends, layer.window, state.attended.data(),
                      state.log_sums.data(), dattended, dqkv);
  Rotate(dqkv, -1);
  BackwardNormHeads(layer, state, dqkv);
  normed = Norm(x, layer.input_norm, state.input_factors.data());
  BackwardLinear(layer.qkv, normed, dqkv, dnormed);
  BackwardNorm(x, layer.input_norm, state.input_factors.data(), dnormed, dx);
}

template <typename Scalar>
void Network<Scalar>::BackwardEmbedding(const Scalar* dx) {
  Scalar* const gradient = Gradient(embedding_);
  if (gradient == nullptr) return;
  for (std::size_t row = 0; row < rows_; ++row) {
    ChosenOperations<Scalar>().add(
        dx + row * hidden_, 1, hidden_,
        gradient + static_cast<std::size_t>(batch_->tokens[row]) * hidden_);
  }
}

template <typename Scalar>
void Network<Scalar>::LogProbabilities(std::span<const Prediction> predictions, Scalar temperature,
                                       std::span<Scalar> log_probabilities,
                                       std::span<Scalar> entropies) {
  head_.LogProbabilities(values_ + head_weight_, final_hidden_.data(), predictions, temperature,
                         log_probabilities, entropies);
}

template <typename Scalar>
void Network<Scalar>::Scores(std::span<const std::size_t> rows, std::span<Scalar> scores) {
  score_rows_.assign(rows.begin(), rows.end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    scores[i] = ChosenOperations<Scalar>().dot(final_hidden_.data() + rows[i] * hidden_,
                                               values_ + score_, hidden_);
  }
}

template <typename Scalar>
void Network<Scalar>::BackwardScores(std::span<const Scalar> dscores, Scalar* dhidden) {
  const Operations<Scalar>& operations = ChosenOperations<Scalar>();
  for (std::size_t i = 0; i < dscores.size(); ++i) {
    const std::size_t at = score_rows_[i] * hidden_;
    operations.add(final_hidden_.data() + at, dscores[i], hidden_, Gradient(score_));
    operations.add(values_ + score_, dscores[i], hidden_, dhidden + at);
  }
}

template <typename Scalar>
void Network<Scalar>::Backward(std::span<const Scalar> dlog_probabilities,
                               std::span<const Scalar> dscores, Scalar* gradients) {
  gradients_ = gradients;
  Scalar* const dhidden = dhidden_.Get(rows_ * hidden_);
  std::fill_n(dhidden, rows_ * hidden_, Scalar(0));
  if (!dlog_probabilities.empty()) {
    head_.Backward(values_ + head_weight_, dlog_probabilities, dhidden, Gradient(head_weight_));
  }
  BackwardScores(dscores, dhidden);
  Scalar* const dx = dx_.Get(rows_ * hidden_);
  std::fill_n(dx, rows_ * hidden_, Scalar(0));
  BackwardNorm(inputs_.back().data(), final_norm_, final_factors_.data(), dhidden, dx);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Scalar* const x = inputs_[i].data();
    LayerState& state = states_[states_.size() > 1 ? i : 0];
    if (options_.activation_checkpointing) RunLayer(layers_[i], x, state, nullptr);
    BackwardLayer(layers_[i], x, state, dx);
  }
  BackwardEmbedding(dx);
}

template <typename Scalar>
std::size_t Network<Scalar>::ActivationBytes(const ModelConfig& config,
                                             const NetworkOptions& options, std::size_t rows) {
  const std::int64_t queries = config.heads * config.head_dim;
  const std::int64_t keys = config.kv_heads * config.head_dim;
  const std::int64_t heads = config.qk_norm ? queries + keys + config.heads + config.kv_heads : 0;
  const std::int64_t state = config.hidden_size + 2 * queries + 2 * keys + config.heads +
                             2 * config.intermediate_size + 2 + heads;
  const std::int64_t states = options.activation_checkpointing ? 1 : config.layers;
  const std::int64_t numbers = (config.layers + 1) * config.hidden_size + states * state;
  return rows * static_cast<std::size_t>(numbers) * sizeof(Scalar);
}

template class Network<float>;
template class Network<double>;

}  // namespace arena::train
