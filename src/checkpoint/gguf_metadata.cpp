#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "checkpoint/internal/gguf_parts.h"
#include "checkpoint/rope.h"

namespace arena::internal {
namespace {

// Types of values, by their number in the file.
constexpr std::uint32_t kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9;

// general.file_type.
std::int64_t FileType(GgufType type) {
  switch (type) {
    case GgufType::kF32:
      return 0;
    case GgufType::kF16:
      return 1;
    case GgufType::kQ80:
      return 7;
    case GgufType::kBf16:
      return 32;
  }
  return 0;
}

// llama.cpp runs Mistral as its "llama".
Result<std::string_view> ArchitectureKey(const ModelConfig& config) {
  switch (config.architecture) {
    case Architecture::kLlama:
    case Architecture::kMistral:
      return std::string_view("llama");
    case Architecture::kQwen2:
      return std::string_view("qwen2");
    case Architecture::kQwen3:
      if (!config.qkv_bias) return std::string_view("qwen3");
      return InvalidInput("GGUF: llama.cpp has no Qwen3 with attention biases");
    case Architecture::kLlamaSequenceClassification:
      break;
  }
  return InvalidInput("GGUF: only language models can be exported, not a sequence classifier");
}

// llama.cpp multiplies by 1 + 0.1 ln(factor) itself; the key scales that.
double ExtraAttentionFactor(const ModelConfig& config) {
  const double built_in = 1 + 0.1 * std::log(std::max(1.0, config.rope.factor));
  return static_cast<double>(RopeAttentionScale(config)) / built_in;
}

Status AddRope(const ModelConfig& config, std::string_view arch, GgufMetadata& metadata) {
  const auto key = [arch](std::string_view name) { return fmt::format("{}.rope.{}", arch, name); };
  metadata.AddUint32(key("dimension_count"), config.head_dim);
  metadata.AddFloat(key("freq_base"), config.rope_theta);
  const RopeScaling& rope = config.rope;
  if (NeedsRopeFactors(config)) {
    if (arch != "llama") {
      return InvalidInput(fmt::format(
          "GGUF: llama.cpp has no {} rotary scaling of this kind for {} (yarn: beta_fast 32, "
          "beta_slow 1, truncated)",
          RopeKindName(rope.kind), ArchitectureName(config.architecture)));
    }
    const float scale = RopeAttentionScale(config);
    if (scale != 1) metadata.AddFloat(key("scaling.attn_factor"), static_cast<double>(scale));
    return {};
  }
  // Dynamic frequencies equal plain ones up to the context length.
  if (rope.kind != RopeKind::kLinear && rope.kind != RopeKind::kYarn) return {};
  metadata.AddText(key("scaling.type"), RopeKindName(rope.kind));
  metadata.AddFloat(key("scaling.factor"), rope.factor);
  if (rope.kind == RopeKind::kLinear) return {};
  metadata.AddUint32(key("scaling.original_context_length"),
                     rope.original_max_position_embeddings > 0
                         ? rope.original_max_position_embeddings
                         : config.max_position_embeddings);
  const double extra = ExtraAttentionFactor(config);
  if (std::abs(extra - 1) > 1e-6) metadata.AddFloat(key("scaling.attn_factor"), extra);
  return {};
}

// llama.cpp has no sliding window for these architectures: within the window there is no
// difference, so that is the context that the file states.
std::int64_t ExactContext(const ModelConfig& config) {
  const bool slides = config.sliding_window > 0 && config.first_window_layer < config.layers;
  return slides ? std::min(config.max_position_embeddings, config.sliding_window)
                : config.max_position_embeddings;
}

}  // namespace

bool NeedsRopeFactors(const ModelConfig& config) {
  const RopeScaling& rope = config.rope;
  if (rope.kind == RopeKind::kLlama3) return true;
  return rope.kind == RopeKind::kYarn &&
         (rope.beta_fast != 32 || rope.beta_slow != 1 || !rope.truncate);
}

void AppendUint32(std::uint32_t value, std::string& out) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>(value >> shift & 0xFF));
  }
}

void AppendUint64(std::uint64_t value, std::string& out) {
  AppendUint32(static_cast<std::uint32_t>(value), out);
  AppendUint32(static_cast<std::uint32_t>(value >> 32), out);
}

void AppendText(std::string_view text, std::string& out) {
  AppendUint64(text.size(), out);
  out.append(text);
}

void GgufMetadata::AddKey(std::string_view key, std::uint32_t type) {
  AppendText(key, bytes_);
  AppendUint32(type, bytes_);
  ++count_;
}

void GgufMetadata::AddArrayKey(std::string_view key, std::uint32_t element_type, std::size_t size) {
  AddKey(key, kArray);
  AppendUint32(element_type, bytes_);
  AppendUint64(size, bytes_);
}

void GgufMetadata::AddText(std::string_view key, std::string_view value) {
  AddKey(key, kString);
  AppendText(value, bytes_);
}

void GgufMetadata::AddUint32(std::string_view key, std::int64_t value) {
  AddKey(key, kUint32);
  AppendUint32(static_cast<std::uint32_t>(value), bytes_);
}

void GgufMetadata::AddFloat(std::string_view key, double value) {
  AddKey(key, kFloat32);
  AppendUint32(std::bit_cast<std::uint32_t>(static_cast<float>(value)), bytes_);
}

void GgufMetadata::AddBool(std::string_view key, bool value) {
  AddKey(key, kBool);
  bytes_.push_back(value ? '\1' : '\0');
}

void GgufMetadata::AddTexts(std::string_view key, std::span<const std::string> values) {
  AddArrayKey(key, kString, values.size());
  for (const std::string& value : values) AppendText(value, bytes_);
}

void GgufMetadata::AddFloats(std::string_view key, std::span<const float> values) {
  AddArrayKey(key, kFloat32, values.size());
  for (const float value : values) AppendUint32(std::bit_cast<std::uint32_t>(value), bytes_);
}

void GgufMetadata::AddInts(std::string_view key, std::span<const std::int32_t> values) {
  AddArrayKey(key, kInt32, values.size());
  for (const std::int32_t value : values) AppendUint32(static_cast<std::uint32_t>(value), bytes_);
}

Status AddModelMetadata(const ModelConfig& config, const GgufOptions& options,
                        std::string_view default_name, GgufMetadata& metadata) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view arch, ArchitectureKey(config));
  const auto key = [arch](std::string_view name) { return fmt::format("{}.{}", arch, name); };
  metadata.AddText("general.architecture", arch);
  metadata.AddText("general.type", "model");
  metadata.AddText("general.name", options.name.empty() ? default_name : options.name);
  metadata.AddUint32("general.file_type", FileType(options.type));
  metadata.AddUint32("general.quantization_version", 2);
  metadata.AddUint32(key("vocab_size"), config.vocab_size);
  metadata.AddUint32(key("context_length"), ExactContext(config));
  metadata.AddUint32(key("embedding_length"), config.hidden_size);
  metadata.AddUint32(key("block_count"), config.layers);
  metadata.AddUint32(key("feed_forward_length"), config.intermediate_size);
  metadata.AddUint32(key("attention.head_count"), config.heads);
  metadata.AddUint32(key("attention.head_count_kv"), config.kv_heads);
  metadata.AddUint32(key("attention.key_length"), config.head_dim);
  metadata.AddUint32(key("attention.value_length"), config.head_dim);
  metadata.AddFloat(key("attention.layer_norm_rms_epsilon"), config.rms_norm_eps);
  return AddRope(config, arch, metadata);
}

}  // namespace arena::internal
