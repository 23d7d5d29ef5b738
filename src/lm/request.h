// What the engine is asked for, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lm/sampler.h"
#include "lm/token.h"

namespace arena::lm {

/// Continue a prompt.
struct GenerateRequest {
  std::string id;
  std::vector<Token> prompt;  ///< at least one token, fewer than the context
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling = {};
  /// The text ends after any of them; none: the model's ends of text.
  std::optional<std::vector<Token>> stop_tokens = std::nullopt;
  /// Log-probabilities of the tokens, and of so many alternatives; none: not computed.
  std::optional<std::int64_t> logprobs = std::nullopt;
  bool stream = false;  ///< also answer token by token
};

/// Log-probabilities of the tokens of an answer, each given the prompt and those before it.
struct ScoreRequest {
  std::string id;
  std::vector<Token> prompt;
  std::vector<Token> answer;
};

/// The score of an answer by a reward model (ModelConfig).
struct RewardRequest {
  std::string id;
  std::vector<Token> prompt;
  std::vector<Token> answer;
};

/// The mean over the tokens of the hidden states after the last norm.
struct EmbedRequest {
  std::string id;
  std::vector<Token> tokens;
};

/// Generations that run as one unit, with nothing beside them: whatever else is asked, the same
/// batch takes the same steps and gives the same bits.
struct BatchRequest {
  std::string id;
  std::vector<GenerateRequest> requests;
};

using Request =
    std::variant<GenerateRequest, ScoreRequest, RewardRequest, EmbedRequest, BatchRequest>;

enum class Finish { kStop, kLength, kCancelled };

/// "stop", "length", "cancelled".
std::string_view FinishName(Finish finish);

/// Tokens with their log-probabilities; the latter two are empty unless asked for.
struct Tokens {
  std::vector<Token> tokens;  ///< a stop token that ended the text is the last
  std::vector<float> logprobs;
  std::vector<std::vector<TokenLogprob>> top;
};

struct TokensEvent {
  std::string id;
  Tokens tokens;  ///< new since the last event
};
struct GenerateResult {
  std::string id;
  Tokens tokens;
  Finish finish = Finish::kStop;
  std::string error;  ///< only in a batch; not empty: it failed
};
struct ScoreResult {
  std::string id;
  std::vector<float> logprobs;
};
struct RewardResult {
  std::string id;
  double reward = 0;
};
struct EmbedResult {
  std::string id;
  std::vector<float> vector;
};
struct BatchResult {
  std::string id;
  std::vector<GenerateResult> answers;  ///< in the order of the requests
};
struct ErrorEvent {
  std::string id;
  std::string message;
};

using Event = std::variant<TokensEvent, GenerateResult, ScoreResult, RewardResult, EmbedResult,
                           BatchResult, ErrorEvent>;

}  // namespace arena::lm
