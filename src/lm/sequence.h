// One sequence on its way through the scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lm/kv_cache.h"
#include "lm/model.h"
#include "lm/request.h"
#include "lm/sampler.h"

namespace arena::lm {

/// The sequences of a BatchRequest share one.
struct Unit {
  BatchResult result;
  std::size_t unfinished = 0;
};

/// Tokens to read and what to do with what the model says of them.
struct Sequence {
  enum class Kind { kGenerate, kScore, kReward, kEmbed };

  Kind kind = Kind::kGenerate;
  std::string id;
  std::vector<Token>
      tokens;  ///< prompt, then what was generated (or the answer to score or reward)
  std::size_t prompt_size = 0;
  SequenceCache cache;
  bool is_done = false;
  std::string error;  ///< not empty: it failed

  // kGenerate
  Sampler sampler;
  std::size_t max_tokens = 0;  ///< prompt included
  std::vector<Token> stop_tokens;
  bool wants_logprobs = false;
  bool stream = false;
  Tokens output;
  lm::Finish finish = lm::Finish::kLength;
  std::shared_ptr<Unit> unit;  ///< null: on its own
  std::size_t unit_index = 0;

  // kScore, kReward
  std::vector<float> scores;  ///< log-probabilities of the answer's tokens so far

  // kReward
  double reward = 0;  ///< there when all tokens are read

  // kEmbed
  std::vector<double> sum;  ///< of the hidden states read so far

  /// Tokens that the model has not read. The last token of an answer to score needs no reading.
  std::size_t pending() const {
    const std::size_t end = tokens.size() - (kind == Kind::kScore ? 1 : 0);
    return end - static_cast<std::size_t>(cache.length);
  }
  /// Forgets what the model said, as all tokens will be read again.
  void Restart() {
    scores.clear();
    sum.clear();
  }
};

/// Checks a request against the model and the cache, and makes the sequences that answer it. The
/// errors are those of Scheduler::Submit.
Result<std::vector<std::unique_ptr<Sequence>>> MakeSequences(Request request,
                                                             const ModelConfig& config,
                                                             const KvCache& cache);

/// What to answer for a sequence that is done and on its own.
Event ResultOf(Sequence& sequence);

}  // namespace arena::lm
