#include "lm/model.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <numeric>
#include <utility>

#include "checkpoint/checkpoint.h"

namespace arena::lm {
namespace {

void AddBias(const std::vector<float>& bias, std::size_t rows, std::size_t stride, float* y) {
  if (bias.empty()) return;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < bias.size(); ++i) y[row * stride + i] += bias[i];
  }
}

}  // namespace

Model::Model(const ModelConfig& config, Weights weights, Precision precision)
    : config_(config),
      precision_(precision),
      parameters_(ParameterCount(config)),
      weights_(std::move(weights)),
      rotary_(config),
      hidden_stride_(RoundUpToPanel(static_cast<std::size_t>(config.hidden_size))) {}

Result<Model> Model::Load(const std::filesystem::path& directory, Precision precision) {
  ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(directory));
  return Load(checkpoint, precision);
}

Result<Model> Model::Load(const Checkpoint& checkpoint, Precision precision) {
  ARENA_ASSIGN_OR_RETURN(Weights weights, Weights::Load(checkpoint, precision));
  return Model(checkpoint.config(), std::move(weights), precision);
}

Result<Model> Model::FromTensors(const ModelConfig& config, TensorLookup find,
                                 Precision precision) {
  ARENA_ASSIGN_OR_RETURN(Weights weights, Weights::Copy(config, find, precision));
  return Model(config, std::move(weights), precision);
}

const float* Model::Forward(std::span<const Chunk> chunks, KvCache& cache) {
  rows_ = 0;
  std::int64_t end = 0;
  for (const Chunk& chunk : chunks) {
    rows_ += chunk.tokens.size();
    const auto count = static_cast<std::int64_t>(chunk.tokens.size());
    assert(chunk.sequence->length + count <= chunk.sequence->capacity());
    end = std::max(end, chunk.sequence->length + count);
  }
  rotary_.Reserve(end);
  Embed(chunks);
  for (std::size_t i = 0; i < weights_.layers().size(); ++i) {
    const LayerWeights& layer = weights_.layers()[i];
    Norm(layer.input_norm);
    RunAttention(layer, i, chunks, cache);
    Norm(layer.attention_norm);
    RunSwiGlu(layer);
  }
  Norm(weights_.final_norm());
  for (const Chunk& chunk : chunks) {
    chunk.sequence->length += static_cast<std::int64_t>(chunk.tokens.size());
  }
  return normed_.data();
}

void Model::Embed(std::span<const Chunk> chunks) {
  float* row = residual_.Get(rows_ * hidden_stride_);
  // Padding columns hold what an earlier pass left there; products add 0 to them.
  for (const Chunk& chunk : chunks) {
    for (const Token token : chunk.tokens) {
      weights_.embedding().ReadRow(static_cast<std::size_t>(token), row);
      row += hidden_stride_;
    }
  }
}

// normed = RMSNorm(residual)
void Model::Norm(const std::vector<float>& weight) {
  const Kernels& kernels = ChosenKernels();
  float* const to = normed_.Get(rows_ * hidden_stride_);
  const auto epsilon = static_cast<float>(config_.rms_norm_eps);
  for (std::size_t row = 0; row < rows_; ++row) {
    kernels.rms_norm(residual_.data() + row * hidden_stride_, weight.data(), epsilon, weight.size(),
                     to + row * hidden_stride_);
  }
}

void Model::RunAttention(const LayerWeights& layer, std::size_t index,
                         std::span<const Chunk> chunks, KvCache& cache) {
  const std::size_t stride = layer.qkv.padded_outputs();
  float* const qkv = qkv_.Get(rows_ * stride);
  layer.qkv.Multiply(normed_.data(), hidden_stride_, rows_, qkv, stride);
  AddBias(layer.qkv_bias, rows_, stride, qkv);
  RotateAndStore(layer, index, chunks, cache);
  const std::size_t width = layer.output.inputs();
  float* const attended = attended_.Get(rows_ * width);
  std::size_t row = 0;
  for (const Chunk& chunk : chunks) {
    Attend(config_, cache, index,
           {chunk.sequence, chunk.sequence->length, chunk.tokens.size(), qkv + row * stride, stride,
            attended + row * width, width},
           attention_);
    row += chunk.tokens.size();
  }
  layer.output.Multiply(attended, width, rows_, residual_.data(), hidden_stride_, true);
  AddBias(layer.output_bias, rows_, hidden_stride_, residual_.data());
}

void Model::RotateAndStore(const LayerWeights& layer, std::size_t index,
                           std::span<const Chunk> chunks, KvCache& cache) {
  const Kernels& kernels = ChosenKernels();
  const auto head_dim = static_cast<std::size_t>(config_.head_dim);
  const auto heads = static_cast<std::size_t>(config_.heads);
  const auto kv_heads = static_cast<std::size_t>(config_.kv_heads);
  const auto epsilon = static_cast<float>(config_.rms_norm_eps);
  float* row = qkv_.data();
  for (const Chunk& chunk : chunks) {
    std::int64_t position = chunk.sequence->length;
    for (std::size_t i = 0; i < chunk.tokens.size(); ++i, ++position) {
      for (std::size_t head = 0; head < heads + kv_heads; ++head) {
        float* const vector = row + head * head_dim;
        const std::vector<float>& norm = head < heads ? layer.query_norm : layer.key_norm;
        if (!norm.empty()) kernels.rms_norm(vector, norm.data(), epsilon, head_dim, vector);
        kernels.rotate(vector, rotary_.Cosine(position), rotary_.Sine(position), rotary_.half());
      }
      const float* const key = row + heads * head_dim;
      cache.Write(*chunk.sequence, index, position, key, key + kv_heads * head_dim);
      row += layer.qkv.padded_outputs();
    }
  }
}

void Model::RunSwiGlu(const LayerWeights& layer) {
  const Kernels& kernels = ChosenKernels();
  const std::size_t stride = layer.gate_up.padded_outputs();
  float* const gate_up = gate_up_.Get(rows_ * stride);
  layer.gate_up.Multiply(normed_.data(), hidden_stride_, rows_, gate_up, stride);
  const std::size_t inner = layer.down.inputs();
  const std::size_t up = RoundUpToPanel(inner);
  for (std::size_t row = 0; row < rows_; ++row) {
    float* const gate = gate_up + row * stride;
    kernels.silu_multiply(gate, gate + up, inner);
  }
  layer.down.Multiply(gate_up, stride, rows_, residual_.data(), hidden_stride_, true);
}

float* Model::Logits(std::span<const std::size_t> rows) {
  float* const input = head_input_.Get(rows.size() * hidden_stride_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float* const from = normed_.data() + rows[i] * hidden_stride_;
    std::copy(from, from + hidden_stride_, input + i * hidden_stride_);
  }
  float* const logits = logits_.Get(rows.size() * logits_stride());
  weights_.head().Multiply(input, hidden_stride_, rows.size(), logits, logits_stride());
  return logits;
}

double Model::Score(std::size_t row) const {
  const float* const state = normed_.data() + row * hidden_stride_;
  return std::inner_product(
      weights_.score().begin(), weights_.score().end(), state, 0.0, std::plus<>(),
      [](float x, float y) { return static_cast<double>(x) * static_cast<double>(y); });
}

}  // namespace arena::lm
