// What the fake endpoint answers, and how it misbehaves; functions of the request alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace arena {

/// What happens to a request instead of a good reply.
enum class EndpointFault {
  kNone,
  kRateLimited,  ///< 429 with a short wait
  kServerError,  ///< 500
  kReset,        ///< the connection is reset
  kStallBefore,  ///< nothing comes, then the connection is reset
  kStallWithin,  ///< half a body comes, then nothing, then the connection is reset
  kTruncated,    ///< half a body comes and the connection is closed
  kInvalidJson,  ///< half a body comes as if it were the whole
};

struct FakeEndpointOptions {
  std::chrono::milliseconds latency{0};
  /// The chance of a fault, drawn from the request's hash and how often it came.
  double fault_rate = 0;
  int faults_in_a_row = 3;  ///< after so many, a request succeeds
  std::vector<EndpointFault> faults = {EndpointFault::kRateLimited, EndpointFault::kServerError,
                                       EndpointFault::kReset,       EndpointFault::kStallBefore,
                                       EndpointFault::kStallWithin, EndpointFault::kTruncated,
                                       EndpointFault::kInvalidJson};
  std::chrono::milliseconds stall{2000};
  double cut_rate = 0;  ///< the chance that a request's reply is cut off by its length
  std::string key;      ///< what "Authorization: Bearer" or "x-api-key" must say; empty: anything
};

struct ReceivedRequest {
  std::string path;
  std::string key;  ///< as sent, without "Bearer "
  std::string body;
};

struct FakeReply {
  int status = 200;
  std::string headers;  ///< further ones, each with its end of line
  std::string body;
};

Key RequestHash(const ReceivedRequest& request);

/// The fault of the `attempt`th (from 1) sending of the request.
EndpointFault FaultOf(const FakeEndpointOptions& options, const Key& request, int attempt);

/// The good reply in the protocol of the path: OpenAI's /v1/chat/completions, Anthropic's
/// /v1/messages, Ollama's /api/chat, OpenAI's /v1/embeddings, /v1/completions with `echo`, and
/// /v1/moderations, which flags texts with the word "bomb" as violence. An answer's text is
/// FakeAnswer() of the last user message; models whose names begin with "judge" judge, with "rater"
/// rate. Another path is 404, another key 401, what is no request 400.
FakeReply ReplyTo(const FakeEndpointOptions& options, const ReceivedRequest& request);

/// What /v1/embeddings gives: kFakeDimensions counts of letters, so that anagrams are equal.
inline constexpr std::size_t kFakeDimensions = 26;
std::vector<float> FakeEmbedding(std::string_view text);

/// What /v1/completions with `echo` gives, where each byte is a token: 1 / (1 + how often it came
/// before in the text), negative. That of the first byte is not told.
std::vector<double> FakeLogprobs(std::string_view text);

/// The longest text of which these three take a request, in bytes.
inline constexpr std::size_t kFakeLongestText = 4000;

/// "The answer is N.", where N is the first whole number in the prompt, or, for one prompt in four
/// and depending on the model, one more. A prompt without a number is repeated.
std::string FakeAnswer(std::string_view model, std::string_view prompt);

/// What the judge thinks of an answer, whatever its seat and rival: 1 to 10 in steps of a half.
double FakeScore(std::string_view answer);

/// How a judge says its verdict.
enum class VerdictManner {
  kMarked,         ///< as it was asked to
  kFenced,         ///< within a code fence, in bold
  kProse,          ///< each score in a sentence line of its own
  kContradictory,  ///< two verdicts that contradict each other
  kEmpty,
  kCut,  ///< cut by the limit of tokens, before the verdict
};
/// Drawn from the request; a repaired verdict is marked, or still none for one request in four.
VerdictManner MannerOf(const Key& request, bool is_repair);

}  // namespace arena
