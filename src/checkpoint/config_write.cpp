#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/internal/architectures.h"

namespace arena {
namespace {

Json OptionalId(const std::optional<std::int64_t>& id) { return id ? Json(*id) : Json(nullptr); }

Json EndIds(const std::vector<std::int64_t>& ids) {
  if (ids.empty()) return nullptr;
  return ids.size() == 1 ? Json(ids.front()) : Json(ids);
}

Json RopeJson(const RopeScaling& rope) {
  if (rope.kind == RopeKind::kPlain) return nullptr;
  Json json = {{"rope_type", RopeKindName(rope.kind)}, {"factor", rope.factor}};
  if (rope.original_max_position_embeddings > 0) {
    json["original_max_position_embeddings"] = rope.original_max_position_embeddings;
  }
  if (rope.kind == RopeKind::kLlama3) {
    json["low_freq_factor"] = rope.low_freq_factor;
    json["high_freq_factor"] = rope.high_freq_factor;
  }
  if (rope.kind == RopeKind::kYarn) {
    json["beta_fast"] = rope.beta_fast;
    json["beta_slow"] = rope.beta_slow;
    if (rope.attention_factor) json["attention_factor"] = *rope.attention_factor;
    if (rope.mscale) json["mscale"] = *rope.mscale;
    if (rope.mscale_all_dim) json["mscale_all_dim"] = *rope.mscale_all_dim;
    if (!rope.truncate) json["truncate"] = false;
  }
  return json;
}

void AddWindow(const ModelConfig& config, Json& json) {
  const Json window = config.sliding_window > 0 ? Json(config.sliding_window) : Json(nullptr);
  if (config.architecture == Architecture::kMistral) {
    json["sliding_window"] = window;
  } else if (config.architecture == Architecture::kQwen2 ||
             config.architecture == Architecture::kQwen3) {
    json["use_sliding_window"] = config.sliding_window > 0;
    json["sliding_window"] = window;
    json["max_window_layers"] = config.first_window_layer;
  }
}

}  // namespace

std::string ConfigJson(const ModelConfig& config) {
  Json json = {
      {"architectures", {ArchitectureName(config.architecture)}},
      {"model_type", internal::FactOf(config.architecture).model_type},
      {"vocab_size", config.vocab_size},
      {"hidden_size", config.hidden_size},
      {"intermediate_size", config.intermediate_size},
      {"num_hidden_layers", config.layers},
      {"num_attention_heads", config.heads},
      {"num_key_value_heads", config.kv_heads},
      {"head_dim", config.head_dim},
      {"hidden_act", "silu"},
      {"max_position_embeddings", config.max_position_embeddings},
      {"initializer_range", 0.02},
      {"rms_norm_eps", config.rms_norm_eps},
      {"rope_theta", config.rope_theta},
      {"rope_scaling", RopeJson(config.rope)},
      {"attention_bias", config.output_bias},
      {"attention_dropout", 0.0},
      {"tie_word_embeddings", config.tie_word_embeddings},
      {"bos_token_id", OptionalId(config.bos_id)},
      {"eos_token_id", EndIds(config.eos_ids)},
      {"pad_token_id", OptionalId(config.pad_id)},
      {"torch_dtype", TorchDTypeName(config.dtype)},
      {"use_cache", true},
  };
  AddWindow(config, json);
  if (!config.has_language_head()) {
    json["id2label"] = {{"0", "LABEL_0"}};
    json["label2id"] = {{"LABEL_0", 0}};
    if (config.likelihood_weight != 0) {
      json["likelihood_weight"] = config.likelihood_weight;
      json["likelihood_floor"] = config.likelihood_floor;
    }
  }
  return DumpJson(json, 2) + "\n";
}

std::string GenerationConfigJson(const ModelConfig& config) {
  Json json = Json::object();
  if (config.bos_id) json["bos_token_id"] = *config.bos_id;
  if (!config.eos_ids.empty()) json["eos_token_id"] = EndIds(config.eos_ids);
  if (config.pad_id) json["pad_token_id"] = *config.pad_id;
  return DumpJson(json, 2) + "\n";
}

Status SaveConfig(const ModelConfig& config, const std::filesystem::path& directory) {
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / "config.json", ConfigJson(config)));
  return WriteFileAtomic(directory / "generation_config.json", GenerationConfigJson(config));
}

}  // namespace arena
