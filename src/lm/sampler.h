// Choosing the next token from logits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "lm/memory.h"
#include "lm/token.h"

namespace arena::lm {

/// How to choose. In this order: the penalty, the temperature, top_k, top_p (of the mass that top_k
/// left), min_p.
struct SamplingOptions {
  double temperature = 1;  ///< 0: the most likely token; of equals the lowest id
  std::int64_t top_k = 0;  ///< only the k most likely; 0: all
  double top_p = 1;        ///< the fewest most likely tokens whose probability reaches this
  double min_p = 0;        ///< at least this share of the most likely token's probability
  double repetition_penalty =
      1;                   ///< logits of tokens seen are divided by it (negative: multiplied)
  std::uint64_t seed = 0;  ///< the same seed and logits give the same tokens
};

struct TokenLogprob {
  Token token = 0;
  float logprob = 0;
  bool operator==(const TokenLogprob&) const = default;
};

/// A token and, where asked for, log-probabilities under the model's own distribution: that of the
/// unchanged logits at temperature 1.
struct Choice {
  Token token = 0;
  float logprob = 0;
  std::vector<TokenLogprob> top;  ///< the most likely tokens, best first; of equals the lowest id
};

/// Working memory of samplers; one for all of a thread.
struct SamplerScratch {
  FloatBuffer weights;
  std::vector<double> sums;
  std::vector<Token> order;
};

/// Natural logarithm of the sum of exp(logits). NaN where a logit is NaN or +infinity.
double LogSumExp(std::span<const float> logits, SamplerScratch& scratch);

/// The sampler of one sequence. Not thread-safe.
class Sampler {
 public:
  Sampler() : rng_(0) {}
  /// `top`: how many alternatives a Choice lists; none: no log-probabilities at all.
  Sampler(const SamplingOptions& options, std::optional<std::int64_t> top,
          std::span<const Token> prompt);

  /// The next token; may overwrite the logits. Logits without a finite maximum or with a NaN are an
  /// error.
  Result<Choice> Next(std::span<float> logits, SamplerScratch& scratch);

 private:
  Token Draw(std::span<const float> logits, float largest, SamplerScratch& scratch);
  Token DrawFromFew(std::span<const float> logits, float largest, SamplerScratch& scratch);
  double Candidates(std::span<const float> logits, float largest, double mass,
                    SamplerScratch& scratch) const;
  void Penalise(std::span<float> logits) const;

  SamplingOptions options_;
  std::optional<std::int64_t> top_;
  Rng rng_;
  std::unordered_set<Token> seen_;  // only where there is a penalty
};

}  // namespace arena::lm
