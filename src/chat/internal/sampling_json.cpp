#include "chat/internal/sampling_json.h"

#include <nlohmann/json.hpp>

namespace arena {

void AddSampling(const Sampling& sampling, Json& json) {
  json["temperature"] = sampling.temperature;
  json["top_k"] = sampling.top_k;
  json["top_p"] = sampling.top_p;
  json["min_p"] = sampling.min_p;
  json["repetition_penalty"] = sampling.repetition_penalty;
  json["seed"] = sampling.seed;
}

}  // namespace arena
