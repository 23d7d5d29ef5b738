#include "checkpoint/new_model.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "checkpoint/safetensors.h"

namespace arena {
namespace {

struct ShapeFact {
  std::string_view name;
  std::int64_t hidden, layers, heads, kv_heads, intermediate, context;
  bool tied;
};

// In the order of the enumeration.
constexpr std::array<ShapeFact, 3> kShapes = {{
    {"mini", 96, 3, 3, 3, 256, 512, false},
    {"60m", 512, 12, 8, 4, 1376, 2048, true},
    {"135m", 576, 30, 9, 3, 1536, 2048, true},
}};

// Normal deviates by Marsaglia's polar method. std::normal_distribution differs between libraries.
class Normal {
 public:
  Normal(Rng rng, double deviation) : rng_(rng), deviation_(deviation) {}

  float Next() {
    if (spare_) {
      const double value = *spare_;
      spare_.reset();
      return static_cast<float>(deviation_ * value);
    }
    while (true) {
      const double u = 2 * rng_.Uniform() - 1, v = 2 * rng_.Uniform() - 1;
      const double square = u * u + v * v;
      if (square >= 1 || square == 0) continue;
      const double scale = std::sqrt(-2 * std::log(square) / square);
      spare_ = v * scale;
      return static_cast<float>(deviation_ * u * scale);
    }
  }

 private:
  Rng rng_;
  double deviation_;
  std::optional<double> spare_;
};

void Fill(const TensorSpec& spec, Rng rng, double deviation, std::vector<float>& values) {
  values.resize(static_cast<std::size_t>(ElementCount(spec.shape).value_or(0)));
  if (spec.shape.size() == 2) {
    Normal normal(rng, deviation);
    for (float& value : values) value = normal.Next();
  } else {
    values.assign(values.size(), spec.name.ends_with(".bias") ? 0.0F : 1.0F);
  }
}

}  // namespace

std::string_view ModelShapeName(ModelShape shape) {
  return kShapes[static_cast<std::size_t>(shape)].name;
}

Result<ModelShape> ParseModelShape(std::string_view name) {
  for (const ModelShape shape : {ModelShape::kMini, ModelShape::k60m, ModelShape::k135m}) {
    if (name == ModelShapeName(shape)) return shape;
  }
  return InvalidInput(
      fmt::format("there is no model shape \"{}\"; there are mini, 60m and 135m", name));
}

ModelConfig ShapeConfig(ModelShape shape, std::int64_t vocabulary_size) {
  const ShapeFact& fact = kShapes[static_cast<std::size_t>(shape)];
  ModelConfig config;
  config.vocab_size = vocabulary_size;
  config.hidden_size = fact.hidden;
  config.intermediate_size = fact.intermediate;
  config.layers = fact.layers;
  config.heads = fact.heads;
  config.kv_heads = fact.kv_heads;
  config.head_dim = fact.hidden / fact.heads;
  config.max_position_embeddings = fact.context;
  config.rms_norm_eps = 1e-5;
  config.tie_word_embeddings = fact.tied;
  return config;
}

Status NewModel(const ModelConfig& config, std::uint64_t seed,
                const std::filesystem::path& directory, double deviation) {
  ARENA_RETURN_IF_ERROR(MakeFolder(directory));
  std::error_code error;
  for (const char* name : {"config.json", "model.safetensors", "model.safetensors.index.json"}) {
    if (std::filesystem::exists(directory / name, error)) {
      return InvalidInput(fmt::format("{}: holds a model already ({})", directory.string(), name));
    }
  }
  std::vector<float> values;
  std::vector<std::byte> bytes;
  std::vector<TensorSource> sources;
  for (const TensorSpec& spec : ExpectedTensors(config)) {
    // A stream for each tensor: none depends on the sizes of those before it.
    const std::uint64_t stream = sources.size();
    sources.push_back({spec, config.dtype, [&, spec, stream]() {
                         Fill(spec, Rng(seed, stream), deviation, values);
                         bytes.resize(values.size() * DTypeBytes(config.dtype));
                         WriteFloats(values, config.dtype, bytes);
                         return Result<std::span<const std::byte>>(bytes);
                       }});
  }
  ARENA_RETURN_IF_ERROR(WriteSafetensors(directory, sources));
  return SaveConfig(config, directory);
}

}  // namespace arena
