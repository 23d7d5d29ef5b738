// A model behind a server: where it is, what it is asked, what it costs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace arena {

enum class EndpointProtocol {
  kOpenAi,     ///< BASE/chat/completions, as OpenAI, vLLM, SGLang, llama.cpp and others serve it
  kAnthropic,  ///< BASE/v1/messages
  kOllama,     ///< BASE/api/chat
};
/// "openai", "anthropic", "ollama".
std::string_view EndpointProtocolName(EndpointProtocol protocol);
std::optional<EndpointProtocol> ParseEndpointProtocol(std::string_view name);

inline constexpr double kTokensPerPrice = 1e6;
/// US dollars per million tokens; 0: free, or not known.
struct TokenPrices {
  double input = 0;
  double output = 0;
  std::optional<double> cached_input{};  ///< none: as `input`
  bool known() const { return input > 0 || output > 0; }
};

struct EndpointOptions {
  std::string name;    ///< in boards
  std::string family;  ///< empty: none
  EndpointProtocol protocol = EndpointProtocol::kOpenAi;
  std::string base_url;  ///< without the protocol's path; empty: the protocol's usual one
  std::string model;     ///< as the server calls it

  // All that can change an answer; the behaviour says it.
  std::string version{};                ///< tells apart what the server serves under one name
  std::string system_prompt{};          ///< put in front of conversations that have none
  std::optional<double> temperature{};  ///< none, here and below: the server's own
  std::optional<double> top_p{};
  std::optional<std::int64_t> top_k{};
  std::optional<std::int64_t> seed{};  ///< of sample 0; sample k is asked for with seed + k
  std::vector<std::string> stop{};
  std::int64_t max_tokens = 0;  ///< of one answer, reasoning included; 0: the server's own limit
  /// kOpenAi: what the limit is called, "max_tokens" or "max_completion_tokens".
  std::string max_tokens_field = "max_tokens";
  std::string body{};  ///< a JSON object whose members are put into the request; empty: none
  std::vector<HttpHeader> headers{};
  /// An answer that reaches the limit of tokens counts as it is; otherwise it is failed (kLength).
  bool keep_cut = false;

  // The rest.
  /// kOpenAi: the reply comes as it is made, so that `TransferLimits::idle` notices a server that
  /// has stopped and proxies see that something comes.
  bool stream = false;
  std::string api_key{};  ///< the key itself; never in a log, a store or an error
  /// The header for it: "Authorization" (with "Bearer"), "x-api-key", "api-key"; empty: the
  /// protocol's.
  std::string api_key_header{};
  TokenPrices prices{};
  int answers_at_once = 32;
};

/// The headers of each request but its content type: the key, the protocol's own, and `headers`.
std::vector<HttpHeader> EndpointHeaders(const EndpointOptions& options);

/// The text with "[key]" in place of the key: servers repeat it in their errors.
std::string WithoutKey(std::string text, const EndpointOptions& options);

/// The base address, with the protocol's own where none is named, and without a slash at its end.
std::string EndpointUrl(const EndpointOptions& options);

}  // namespace arena
