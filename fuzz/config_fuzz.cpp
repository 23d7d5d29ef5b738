// config.json: what is accepted can be written, read back, and asked for tensors and frequencies.
#include <cmath>
#include <cstdint>

#include "check.h"
#include "checkpoint/config.h"
#include "checkpoint/rope.h"

namespace {

using arena::fuzz::Demand;

// Large shapes are legal; listing their tensors each time would only be slow.
constexpr std::int64_t kMostLayers = 64;
constexpr std::int64_t kMostHeadDim = 4096;

void CheckFrequencies(const arena::ModelConfig& config) {
  for (const std::int64_t length : {std::int64_t{1}, config.max_position_embeddings * 2}) {
    for (const float frequency : arena::RopeInverseFrequencies(config, length)) {
      Demand(std::isfinite(frequency) && frequency >= 0, "frequencies are finite");
    }
  }
  Demand(std::isfinite(arena::RopeAttentionScale(config)), "the scale is finite");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = arena::ParseConfig(text, "config.json", text);
  if (!config.ok()) {
    Demand(config.error().message.find("config.json") != std::string::npos, "errors name the file");
    return 0;
  }
  const auto again = arena::ParseConfig(arena::ConfigJson(*config), "config.json",
                                        arena::GenerationConfigJson(*config));
  Demand(again.ok() && *again == *config, "a configuration survives a round trip");
  Demand(config->heads % config->kv_heads == 0 && config->head_dim % 2 == 0, "heads fit");
  if (config->layers <= kMostLayers) {
    Demand(arena::ParameterCount(*config) > 0, "sizes do not overflow");
  }
  if (config->head_dim <= kMostHeadDim) CheckFrequencies(*config);
  return 0;
}
