#include "checkpoint/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/internal/architectures.h"
#include "checkpoint/internal/config_keys.h"

namespace arena {
namespace {

using internal::ConfigKeys;

// Far beyond any model, and small enough that products of two stay within int64.
constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostHeads = 1 << 16;
constexpr std::int64_t kMostWidth = 1 << 24;
constexpr std::int64_t kMostTokens = 1 << 28;
constexpr std::int64_t kMostPositions = std::int64_t{1} << 31;

template <typename Facts>
std::string Names(const Facts& facts) {
  std::vector<std::string_view> names;
  for (const auto& fact : facts) names.push_back(fact.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

void ReadArchitecture(ConfigKeys& keys, ModelConfig& config) {
  const Json* list = keys.Find("architectures");
  if (list == nullptr) return keys.Missing("architectures");
  if (list->is_array() && list->size() == 1 && list->front().is_string()) {
    for (const auto& fact : internal::Architectures()) {
      if (list->front() != fact.name) continue;
      config.architecture = fact.architecture;
      return;
    }
  }
  keys.Refuse("architectures", "one of " + Names(internal::Architectures()));
}

bool IsLlama(const ModelConfig& config) {
  return config.architecture == Architecture::kLlama ||
         config.architecture == Architecture::kLlamaSequenceClassification;
}

bool IsQwen(const ModelConfig& config) {
  return config.architecture == Architecture::kQwen2 || config.architecture == Architecture::kQwen3;
}

void ReadHeads(ConfigKeys& keys, ModelConfig& config) {
  config.heads = keys.Integer("num_attention_heads", 1, kMostHeads);
  const std::optional<std::int64_t> same =
      IsLlama(config) ? std::optional(config.heads) : std::nullopt;
  config.kv_heads = keys.Integer("num_key_value_heads", 1, config.heads, same);
  if (keys.status().ok() && config.heads % config.kv_heads != 0) {
    keys.Refuse("num_key_value_heads", fmt::format("a divisor of {} heads", config.heads));
  }
  std::optional<std::int64_t> width;
  if (config.architecture == Architecture::kQwen3) {
    width = 128;
  } else if (config.hidden_size % config.heads == 0) {
    width = config.hidden_size / config.heads;
  }
  config.head_dim = keys.Integer("head_dim", 2, kMostHeads, width);
  if (keys.status().ok() && config.head_dim % 2 != 0) {
    keys.Fail(
        fmt::format("heads of {} numbers: rotary positions need an even count", config.head_dim));
  }
}

void ReadSizes(ConfigKeys& keys, ModelConfig& config) {
  config.vocab_size = keys.Integer("vocab_size", 1, kMostTokens);
  config.hidden_size = keys.Integer("hidden_size", 1, kMostWidth);
  config.intermediate_size = keys.Integer("intermediate_size", 1, kMostWidth);
  config.layers = keys.Integer("num_hidden_layers", 1, kMostLayers);
  config.max_position_embeddings =
      keys.Integer("max_position_embeddings", 1, kMostPositions,
                   internal::FactOf(config.architecture).default_max_position_embeddings);
  config.rms_norm_eps = keys.Number("rms_norm_eps", 1e-30, 1, 1e-6);
  config.tie_word_embeddings = keys.Boolean("tie_word_embeddings", false);
  if (!config.has_language_head()) {
    config.likelihood_weight = keys.Number("likelihood_weight", 0, 1e6, 0);
    config.likelihood_floor = keys.Number("likelihood_floor", -1e9, 0, 0);
  }
}

// Refuses what would change the model's numbers and is not built.
void RefuseVariants(ConfigKeys& keys) {
  if (keys.Text("hidden_act", "silu") != "silu") keys.Refuse("hidden_act", "silu");
  if (keys.Boolean("mlp_bias", false)) keys.Refuse("mlp_bias", "false");
  if (keys.Number("partial_rotary_factor", 0, 1, 1) != 1) keys.Refuse("partial_rotary_factor", "1");
  if (keys.Has("quantization_config")) {
    keys.Refuse("quantization_config", "weights in float32, float16 or bfloat16");
  }
}

void ReadBiases(ConfigKeys& keys, ModelConfig& config) {
  const bool states = IsLlama(config) || config.architecture == Architecture::kQwen3;
  const bool attention = states && keys.Boolean("attention_bias", false);
  config.output_bias = attention;
  config.qkv_bias = attention || config.architecture == Architecture::kQwen2;
  config.qk_norm = config.architecture == Architecture::kQwen3;
}

void CheckLayerTypes(ConfigKeys& keys, const ModelConfig& config) {
  const Json* types = keys.Find("layer_types");
  if (types == nullptr || !keys.status().ok()) return;
  bool agrees = types->is_array() && types->size() == static_cast<std::size_t>(config.layers);
  for (std::int64_t layer = 0; agrees && layer < config.layers; ++layer) {
    const bool slides = config.WindowOfLayer(layer) > 0;
    agrees = (*types)[static_cast<std::size_t>(layer)] ==
             (slides ? "sliding_attention" : "full_attention");
  }
  if (!agrees) {
    keys.Refuse("layer_types",
                "one for each layer, full_attention or sliding_attention as sliding_window and "
                "max_window_layers say");
  }
}

void ReadWindow(ConfigKeys& keys, const Json& json, ModelConfig& config) {
  if (config.architecture == Architecture::kMistral) {
    // The default of MistralConfig; null says none.
    const std::int64_t silent = json.contains("sliding_window") ? 0 : 4096;
    config.sliding_window = keys.Integer("sliding_window", 1, kMostPositions, silent);
  } else if (IsQwen(config) && keys.Boolean("use_sliding_window", false)) {
    config.sliding_window = keys.Integer("sliding_window", 1, kMostPositions, 4096);
    config.first_window_layer = keys.Integer("max_window_layers", 0, kMostLayers, 28);
  }
  CheckLayerTypes(keys, config);
}

void ReadYarn(ConfigKeys& keys, RopeScaling& rope) {
  rope.beta_fast = keys.Number("beta_fast", 1e-6, 1e6, 32);
  rope.beta_slow = keys.Number("beta_slow", 1e-6, 1e6, 1);
  rope.attention_factor = keys.OptionalNumber("attention_factor", 1e-6, 1e6);
  rope.mscale = keys.OptionalNumber("mscale", 0, 1e6);
  rope.mscale_all_dim = keys.OptionalNumber("mscale_all_dim", 0, 1e6);
  rope.truncate = keys.Boolean("truncate", true);
  if (rope.beta_fast <= rope.beta_slow) keys.Fail("beta_fast must be more than beta_slow");
}

void ReadLlama3(ConfigKeys& keys, RopeScaling& rope) {
  rope.low_freq_factor = keys.Number("low_freq_factor", 1e-6, 1e6);
  rope.high_freq_factor = keys.Number("high_freq_factor", 1e-6, 1e6);
  if (!keys.Has("original_max_position_embeddings")) {
    keys.Missing("original_max_position_embeddings");
  }
  if (keys.status().ok() && rope.high_freq_factor <= rope.low_freq_factor) {
    keys.Fail("high_freq_factor must be more than low_freq_factor");
  }
}

// Reads rope_scaling or rope_parameters.
void ReadScaling(ConfigKeys& keys, ModelConfig& config) {
  RopeScaling& rope = config.rope;
  keys.AllowOnly({"type", "rope_type", "rope_theta", "factor", "original_max_position_embeddings",
                  "beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim",
                  "truncate", "low_freq_factor", "high_freq_factor", "partial_rotary_factor"});
  if (keys.Number("partial_rotary_factor", 0, 1, 1) != 1) keys.Refuse("partial_rotary_factor", "1");
  config.rope_theta = keys.Number("rope_theta", 1.001, 1e15, config.rope_theta);
  const std::string_view key = keys.Has("rope_type") ? "rope_type" : "type";
  const std::string name = keys.Text(key, "default");
  const auto kinds = internal::RopeKinds();
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& fact) { return fact.name == name; });
  if (kind == kinds.end()) return keys.Refuse(key, "one of " + Names(kinds));
  rope.kind = kind->kind;
  if (rope.kind == RopeKind::kPlain) return;
  rope.factor = keys.Number("factor", 1e-3, 1e6);
  const std::int64_t original =
      keys.Integer("original_max_position_embeddings", 1, kMostPositions, 0);
  if (rope.kind == RopeKind::kYarn || rope.kind == RopeKind::kLlama3) {
    rope.original_max_position_embeddings = original;
  } else if (rope.kind == RopeKind::kDynamic && original != 0 &&
             original != config.max_position_embeddings) {
    keys.Refuse("original_max_position_embeddings",
                "the value of max_position_embeddings, beyond which dynamic scaling begins");
  }
  if (rope.kind == RopeKind::kYarn) ReadYarn(keys, rope);
  if (rope.kind == RopeKind::kLlama3) ReadLlama3(keys, rope);
}

void ReadRope(ConfigKeys& keys, ModelConfig& config) {
  config.rope_theta = keys.Number("rope_theta", 1.001, 1e15, 10000);
  for (const std::string_view name : {"rope_scaling", "rope_parameters"}) {
    const Json* object = keys.Find(name);
    if (object == nullptr) continue;
    ConfigKeys nested(*object, fmt::format("{}: {}", keys.where(), name));
    ReadScaling(nested, config);
    keys.Adopt(nested);
  }
  if (config.rope.kind == RopeKind::kDynamic && config.head_dim == 2) {
    keys.Fail("dynamic rotary scaling needs heads of more than 2 numbers");
  }
}

void ReadTokenIds(ConfigKeys& keys, ModelConfig& config) {
  const std::int64_t last = config.vocab_size - 1;
  if (keys.Has("bos_token_id")) config.bos_id = keys.Integer("bos_token_id", 0, last);
  if (keys.Has("eos_token_id")) config.eos_ids = keys.Integers("eos_token_id", 0, last);
  if (keys.Has("pad_token_id")) {
    // Early Llama conversions say -1 for none.
    const std::int64_t pad = keys.Integer("pad_token_id", -1, last);
    config.pad_id = pad < 0 ? std::nullopt : std::optional(pad);
  }
}

void SetDefaultIds(const Json& json, ModelConfig& config) {
  if (IsQwen(config) || config.vocab_size <= 2) return;
  if (!json.contains("bos_token_id")) config.bos_id = 1;
  if (!json.contains("eos_token_id")) config.eos_ids = {2};
}

void ReadDType(ConfigKeys& keys, ModelConfig& config) {
  const std::string_view key = keys.Has("dtype") ? "dtype" : "torch_dtype";
  const std::string name = keys.Text(key, "float32");
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
    if (name != TorchDTypeName(dtype)) continue;
    config.dtype = dtype;
    return;
  }
  keys.Refuse(key, "float32, float16, bfloat16");
}

// A scalar head: transformers counts labels by id2label, and takes two where nothing is said.
void CheckOneLabel(ConfigKeys& keys) {
  const Json* labels = keys.Find("id2label");
  if (labels != nullptr) {
    if (!labels->is_object() || labels->size() != 1) keys.Refuse("id2label", "one label");
  } else if (keys.Integer("num_labels", 1, kMostTokens, 2) != 1) {
    keys.Fail("a sequence classifier must have \"id2label\" with one label (a scalar head)");
  }
}

Result<ModelConfig> ReadMain(const Json& json, std::string_view file) {
  ModelConfig config;
  ConfigKeys keys(json, std::string(file));
  ReadArchitecture(keys, config);
  ARENA_RETURN_IF_ERROR(keys.status());
  RefuseVariants(keys);
  ReadSizes(keys, config);
  ReadHeads(keys, config);
  ReadBiases(keys, config);
  ReadWindow(keys, json, config);
  ReadRope(keys, config);
  SetDefaultIds(json, config);
  ReadTokenIds(keys, config);
  ReadDType(keys, config);
  if (!config.has_language_head()) CheckOneLabel(keys);
  ARENA_RETURN_IF_ERROR(keys.status());
  return config;
}

// A configuration has a few kilobytes; what is larger is another file.
Result<std::string> ReadConfigFile(const std::filesystem::path& path) {
  constexpr std::size_t kMostBytes = std::size_t{16} << 20;
  ARENA_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  if (file.bytes().size() <= kMostBytes) return std::string(file.bytes());
  return InvalidInput(fmt::format("{}: has {} bytes; a configuration has at most {}", path.string(),
                                  file.bytes().size(), kMostBytes));
}

Result<Json> ParseFile(std::string_view text, std::string_view file) {
  auto json = ParseJson(text);
  if (!json.ok()) return InvalidInput(fmt::format("{}: {}", file, json.error().message));
  return json;
}

}  // namespace

Result<ModelConfig> ParseConfig(std::string_view text, std::string_view file,
                                std::string_view generation_text,
                                std::string_view generation_file) {
  ARENA_ASSIGN_OR_RETURN(const Json json, ParseFile(text, file));
  ARENA_ASSIGN_OR_RETURN(ModelConfig config, ReadMain(json, file));
  if (generation_text.empty()) return config;
  ARENA_ASSIGN_OR_RETURN(const Json generation, ParseFile(generation_text, generation_file));
  ConfigKeys keys(generation, std::string(generation_file));
  ReadTokenIds(keys, config);
  ARENA_RETURN_IF_ERROR(keys.status());
  return config;
}

Result<ModelConfig> LoadConfig(const std::filesystem::path& directory) {
  const auto file = directory / "config.json";
  const auto generation_file = directory / "generation_config.json";
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(file));
  std::string generation_text;
  std::error_code ignored;
  if (std::filesystem::exists(generation_file, ignored)) {
    ARENA_ASSIGN_OR_RETURN(generation_text, ReadConfigFile(generation_file));
  }
  return ParseConfig(text, file.string(), generation_text, generation_file.string());
}

}  // namespace arena
