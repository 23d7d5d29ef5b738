// Answers that a model in training samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "lm/precision.h"
#include "lm/token.h"
#include "train/parameters.h"

namespace arena::train {

/// One sampled answer.
struct SampledAnswer {
  std::vector<lm::Token> tokens;  ///< with the end of text where it came
  bool ended = false;             ///< it came; else the answer ran into its limit
};

struct RolloutRequest {
  std::span<const lm::Token> prompt;
  std::uint64_t seed = 0;
};

struct RolloutOptions {
  double temperature = 1;
  std::int64_t max_new_tokens = 256;
  lm::Precision precision = lm::Precision::kF32;
};

/// Answers all requests with the engine of inference (continuous batching, lm/scheduler.h), by
/// weights that stand in `values` as `layout` says and are copied. Nothing but the temperature
/// changes the distribution, so that its log-probabilities can be computed again. The same weights
/// and seeds give the same answers. Errors: a prompt that leaves no room in the context; weights
/// that are not finite.
Result<std::vector<SampledAnswer>> SampleAnswers(const ModelConfig& config,
                                                 const ParameterLayout& layout,
                                                 std::span<const float> values,
                                                 std::span<const RolloutRequest> requests,
                                                 const RolloutOptions& options);

}  // namespace arena::train
