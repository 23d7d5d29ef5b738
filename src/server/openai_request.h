// The bodies of requests to the OpenAI-compatible server: parsed and checked, nothing more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/generation.h"
#include "core/conversation.h"
#include "server/api_error.h"

namespace arena {

/// What both kinds of completions may ask for.
struct CompletionSettings {
  std::string model;            ///< empty: not named
  std::int64_t n = 1;           ///< answers to each prompt
  std::int64_t max_tokens = 0;  ///< 0: as many as the context leaves
  Sampling sampling;            ///< `seed` is 0 where the request has none
  bool has_seed = false;
  std::vector<std::string> stop;
  std::optional<std::int64_t>
      logprobs;  ///< so many alternatives to each token; none: not asked for
  bool stream = false;
  bool include_usage = false;  ///< a last chunk of the stream says how many tokens
};

struct ChatBody : CompletionSettings {
  Conversation messages;
  /// For the template, from `chat_template_kwargs`.
  std::map<std::string, std::variant<bool, std::int64_t, std::string>> template_variables;
};

struct CompletionBody : CompletionSettings {
  std::vector<std::string> prompts;  ///< at least one
  /// Nothing is generated: the log-probabilities of the prompts' tokens are asked for.
  bool echo = false;
};

struct EmbeddingBody {
  std::string model;  ///< empty: not named
  std::vector<std::string> inputs;
  bool is_base64 = false;
  std::optional<std::int64_t> dimensions;
};

/// Limits of what one request may ask for, whatever the model.
inline constexpr std::int64_t kMaxChoices = 128;
inline constexpr std::size_t kMaxStopStrings = 16;
inline constexpr std::size_t kMaxStopBytes = 1024;
inline constexpr std::size_t kMaxInputs = 2048;
inline constexpr std::int64_t kMaxTopLogprobs = 20;

// Each is pure and thread-safe and takes any bytes. Errors have status 400 and name the field. A
// field that is null counts as absent. Fields that cannot change an answer are passed over; a field
// that could and is not supported, or that is unknown, is an error.
ApiResult<ChatBody> ParseChatBody(std::string_view json);
ApiResult<CompletionBody> ParseCompletionBody(std::string_view json);
ApiResult<EmbeddingBody> ParseEmbeddingBody(std::string_view json);

}  // namespace arena
