// The bodies that the OpenAI-compatible server answers with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/api_error.h"

namespace arena {

/// What all chunks of one reply have in common.
struct ReplyHead {
  std::string id;  ///< "chatcmpl-..." or "cmpl-..."
  std::string model;
  std::int64_t created = 0;  ///< seconds since 1970
  std::string fingerprint;   ///< of the checkpoint; equal ones answer a seed alike
};

struct TokenAlternative {
  std::string bytes;
  double logprob = 0;
};

/// A token as the API shows it.
struct TokenInfo {
  std::string bytes;   ///< what it stands for; perhaps a part of a character
  double logprob = 0;  ///< NaN: it has none, being the first of a prompt
  std::vector<TokenAlternative> top;
};

/// A whole answer, or a part of one in a stream.
struct ReplyChoice {
  std::int64_t index = 0;
  std::string text;
  std::optional<std::vector<TokenInfo>> tokens;  ///< none: log-probabilities were not asked for
  std::string finish;                            ///< "stop" or "length"; empty: more follows
  /// Completions: where the first of `tokens` begins in the answer, in characters.
  std::int64_t text_offset = 0;
};

struct TokenUsage {
  std::int64_t prompt = 0;
  std::int64_t completion = 0;
};

/// What a chunk says of usage while a stream that will tell it is under way.
enum class ChunkUsage { kAbsent, kNull };

// Each gives one JSON document in one line. Bytes that are no valid UTF-8 become U+FFFD. Pure and
// thread-safe.
std::string ErrorJson(const ApiError& error);
std::string ChatReplyJson(const ReplyHead& head, std::span<const ReplyChoice> choices,
                          const TokenUsage& usage);
/// The first chunk of a choice, which says whose turn it is and has no text.
std::string ChatFirstChunkJson(const ReplyHead& head, std::int64_t index, ChunkUsage usage);
std::string ChatChunkJson(const ReplyHead& head, const ReplyChoice& choice, ChunkUsage usage);
std::string CompletionReplyJson(const ReplyHead& head, std::span<const ReplyChoice> choices,
                                const TokenUsage& usage);
std::string CompletionChunkJson(const ReplyHead& head, const ReplyChoice& choice, ChunkUsage usage);
/// The last chunk of either stream where usage was asked for.
std::string UsageChunkJson(const ReplyHead& head, bool is_chat, const TokenUsage& usage);
std::string EmbeddingsJson(std::string_view model, const std::vector<std::vector<float>>& vectors,
                           bool is_base64, std::int64_t prompt_tokens);
/// `context`: the longest prompt with its answer, in tokens.
std::string ModelJson(std::string_view name, std::int64_t created, std::int64_t context);
std::string ModelsJson(std::string_view name, std::int64_t created, std::int64_t context);

/// With padding; the alphabet of RFC 4648, section 4.
std::string Base64(std::span<const unsigned char> bytes);

}  // namespace arena
