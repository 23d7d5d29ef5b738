// Models with random weights, to train from nothing or to test with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "checkpoint/config.h"

namespace arena {

/// Llama shapes. Parameters without and with a vocabulary of 49,152:
///   mini  hidden 96, 3 layers, 3 heads, SwiGLU 256, context 512, untied head; 0.33 M
///   60m   hidden 512, 12 layers, 8 heads (4 kv), SwiGLU 1376, context 2048, tied; 35 M, 60 M
///   135m  the published dimensions of SmolLM-135M: hidden 576, 30 layers, 9 heads (3 kv), SwiGLU
///         1536, context 2048, tied; 106 M, 135 M
enum class ModelShape { kMini, k60m, k135m };

std::string_view ModelShapeName(ModelShape shape);
/// "mini", "60m" or "135m".
Result<ModelShape> ParseModelShape(std::string_view name);

/// Of random weights, as transformers draws them. Narrow models learn faster from a wider one.
inline constexpr double kUsualDeviation = 0.02;

/// The configuration of a shape. Token ids are left unset: the caller knows the tokenizer.
ModelConfig ShapeConfig(ModelShape shape, std::int64_t vocabulary_size);

/// Writes config.json, generation_config.json and model.safetensors into `directory`, which is
/// made if need be and must not hold a model yet. Matrices are normal with the deviation
/// `deviation`, norms 1, biases 0. The same arguments give the same bytes (with the same C
/// library). `config.dtype` is the type written.
Status NewModel(const ModelConfig& config, std::uint64_t seed,
                const std::filesystem::path& directory, double deviation = kUsualDeviation);

}  // namespace arena
