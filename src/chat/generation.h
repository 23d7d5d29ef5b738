// What a local language model is asked for, in tokens, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/tokenizer.h"

namespace arena {

struct Sampling {
  double temperature = 0;  ///< 0: the most probable token, whatever the others say
  std::int64_t top_k = 0;  ///< 0: all
  double top_p = 1;
  double min_p = 0;
  double repetition_penalty = 1;
  std::uint64_t seed = 0;
};

struct Generation {
  std::vector<TokenId> prompt;
  std::int64_t max_new_tokens = 256;
  Sampling sampling;
  /// The answer ends after any of them; none: the model's own.
  std::optional<std::vector<TokenId>> stop_tokens;
  /// Log-probabilities, and so many alternatives for each token; none: not computed.
  std::optional<std::int64_t> logprobs;
};

struct TokenLogprob {
  TokenId token = 0;
  float logprob = 0;
};

/// Tokens of an answer; the other two are empty unless asked for.
struct GeneratedTokens {
  std::vector<TokenId> tokens;  ///< a stop token that ended the answer is the last
  std::vector<float> logprobs;
  std::vector<std::vector<TokenLogprob>> top;
};

enum class GenerationEnd { kStop, kLength, kCancelled };

struct GeneratedAnswer {
  GeneratedTokens tokens;
  GenerationEnd end = GenerationEnd::kStop;
};

/// What a worker says of the model that it has loaded.
struct LoadedModel {
  std::string precision;  ///< "f32" or "bf16"
  std::int64_t context = 0;
  std::int64_t vocabulary = 0;
  std::int64_t parameters = 0;
  std::vector<TokenId> eos;
};

}  // namespace arena
