#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "checkpoint/internal/gguf_parts.h"
#include "checkpoint/rope.h"
#include "checkpoint/safetensors.h"

namespace arena::internal {
namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kBlockBytes = 34;

struct NamePair {
  std::string_view ours;
  std::string_view theirs;
};

// Below "model.layers.N." and "blk.N.".
constexpr std::array<NamePair, 11> kLayerNames = {{
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};

constexpr std::array<NamePair, 3> kOuterNames = {{
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
}};

template <std::size_t n>
std::optional<std::string_view> Translate(const std::array<NamePair, n>& names,
                                          std::string_view ours) {
  for (const NamePair& pair : names) {
    if (pair.ours == ours) return pair.theirs;
  }
  return std::nullopt;
}

Result<std::string> GgufName(std::string_view name) {
  constexpr std::string_view kLayers = "model.layers.";
  const std::size_t dot = name.rfind('.');
  const std::string_view module = name.substr(0, dot), suffix = name.substr(dot + 1);
  if (const auto outer = Translate(kOuterNames, module)) {
    return fmt::format("{}.{}", *outer, suffix);
  }
  if (module.starts_with(kLayers)) {
    const std::string_view rest = module.substr(kLayers.size());
    const std::size_t end = rest.find('.');
    if (const auto inner = Translate(kLayerNames, rest.substr(end + 1))) {
      return fmt::format("blk.{}.{}.{}", rest.substr(0, end), *inner, suffix);
    }
  }
  return InternalError(fmt::format("GGUF: no name for tensor \"{}\"", name));
}

GgmlType MatrixType(GgufType type, std::int64_t columns) {
  switch (type) {
    case GgufType::kF32:
      return GgmlType::kF32;
    case GgufType::kF16:
      return GgmlType::kF16;
    case GgufType::kBf16:
      return GgmlType::kBf16;
    case GgufType::kQ80:
      break;
  }
  return columns % kBlock == 0 ? GgmlType::kQ80 : GgmlType::kF16;
}

// llama.cpp's "llama" rotates neighbouring pairs; its "qwen2" and "qwen3" rotate halves, as Hugging
// Face does for all.
std::int64_t InterleavedHeads(const ModelConfig& config, std::string_view name) {
  const bool is_llama =
      config.architecture == Architecture::kLlama || config.architecture == Architecture::kMistral;
  if (!is_llama) return 0;
  if (name.find(".q_proj.") != std::string_view::npos) return config.heads;
  if (name.find(".k_proj.") != std::string_view::npos) return config.kv_heads;
  return 0;
}

// What divides each frequency.
GgufTensor RopeFactors(const ModelConfig& config) {
  ModelConfig plain = config;
  plain.rope = {};
  const auto stretched = RopeInverseFrequencies(config, 0);
  GgufTensor tensor;
  tensor.name = "rope_freqs.weight";
  tensor.values = RopeInverseFrequencies(plain, 0);
  tensor.shape = {static_cast<std::int64_t>(stretched.size())};
  for (std::size_t i = 0; i < stretched.size(); ++i) tensor.values[i] /= stretched[i];
  return tensor;
}

// The row of the half-split layout that stands at `row` of the interleaved one.
std::int64_t SourceRow(std::int64_t row, std::int64_t rows, std::int64_t heads) {
  if (heads == 0) return row;
  const std::int64_t width = rows / heads;
  const std::int64_t within = row % width;
  return row - within + within % 2 * (width / 2) + within / 2;
}

void EncodeQ80Row(std::span<const float> values, std::byte* out) {
  for (std::size_t at = 0; at < values.size(); at += kBlock, out += kBlockBytes) {
    EncodeQ80Block(values.subspan(at).first<kBlock>(), std::span<std::byte, kBlockBytes>(out, 34));
  }
}

void EncodeRow(std::span<const float> values, GgmlType type, std::span<std::byte> out) {
  switch (type) {
    case GgmlType::kF32:
      return WriteFloats(values, DType::kF32, out);
    case GgmlType::kF16:
      return WriteFloats(values, DType::kF16, out);
    case GgmlType::kBf16:
      return WriteFloats(values, DType::kBf16, out);
    case GgmlType::kQ80:
      return EncodeQ80Row(values, out.data());
  }
}

// A vector is permuted number by number, a matrix row by row.
Status WriteVector(const GgufTensor& tensor, OutputFile& file) {
  std::vector<float> values(static_cast<std::size_t>(tensor.columns()));
  ReadFloats(*tensor.source, 0, values);
  std::vector<float> ordered(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t from =
        SourceRow(static_cast<std::int64_t>(i), tensor.columns(), tensor.interleaved_heads);
    ordered[i] = values[static_cast<std::size_t>(from)];
  }
  return file.Write(std::as_bytes(std::span(ordered)));
}

}  // namespace

std::int64_t GgmlRowBytes(GgmlType type, std::int64_t columns) {
  switch (type) {
    case GgmlType::kF32:
      return columns * 4;
    case GgmlType::kQ80:
      return columns / kBlock * kBlockBytes;
    case GgmlType::kF16:
    case GgmlType::kBf16:
      break;
  }
  return columns * 2;
}

void EncodeQ80Block(std::span<const float, 32> values, std::span<std::byte, 34> out) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  const float scale = largest / 127;
  const std::uint16_t half = FloatToHalf(scale);
  // A scale too small for a half is 0, and its inverse could be infinite.
  const float inverse = half != 0 ? 1 / scale : 0;
  std::memcpy(out.data(), &half, sizeof half);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto multiple = static_cast<std::int8_t>(std::round(values[i] * inverse));
    out[i + sizeof half] = static_cast<std::byte>(multiple);
  }
}

Result<std::vector<GgufTensor>> ListGgufTensors(const Checkpoint& checkpoint, GgufType type) {
  const ModelConfig& config = checkpoint.config();
  std::vector<GgufTensor> tensors;
  if (NeedsRopeFactors(config)) tensors.push_back(RopeFactors(config));
  for (const TensorView& view : checkpoint.tensors()) {
    GgufTensor tensor;
    ARENA_ASSIGN_OR_RETURN(tensor.name, GgufName(view.name));
    tensor.shape = view.shape;
    tensor.source = &view;
    if (view.shape.size() == 2) tensor.type = MatrixType(type, view.shape[1]);
    tensor.interleaved_heads = InterleavedHeads(config, view.name);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Status WriteGgufTensor(const GgufTensor& tensor, OutputFile& file) {
  if (tensor.source == nullptr) return file.Write(std::as_bytes(std::span(tensor.values)));
  if (tensor.shape.size() == 1) return WriteVector(tensor, file);
  const std::int64_t rows = tensor.rows(), columns = tensor.columns();
  std::vector<float> values(static_cast<std::size_t>(columns));
  std::vector<std::byte> bytes(static_cast<std::size_t>(GgmlRowBytes(tensor.type, columns)));
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t from = SourceRow(row, rows, tensor.interleaved_heads);
    ReadFloats(*tensor.source, static_cast<std::size_t>(from * columns), values);
    EncodeRow(values, tensor.type, bytes);
    ARENA_RETURN_IF_ERROR(file.Write(bytes));
  }
  ReleasePages(tensor.source->bytes);
  return {};
}

}  // namespace arena::internal
