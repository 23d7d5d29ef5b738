#include "chat/internal/chat_protocol.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.h"
#include "base/trim.h"

namespace arena {
namespace {

// A count beyond it is garbage, and sums of counts stay in range.
constexpr double kMostTokens = 1e12;

struct ProtocolEntry {
  EndpointProtocol protocol;
  std::string_view name;
  std::string_view base_url;
  std::string_view path;
  std::string_view key_header;
};

constexpr std::array<ProtocolEntry, 3> kProtocols = {{
    {EndpointProtocol::kOpenAi, "openai", "https://api.openai.com/v1", "/chat/completions",
     "Authorization"},
    {EndpointProtocol::kAnthropic, "anthropic", "https://api.anthropic.com", "/v1/messages",
     "x-api-key"},
    {EndpointProtocol::kOllama, "ollama", "http://127.0.0.1:11434", "/api/chat", "Authorization"},
}};

const ProtocolEntry& EntryOf(EndpointProtocol protocol) {
  return *std::find_if(
      kProtocols.begin(), kProtocols.end(),
      [protocol](const ProtocolEntry& entry) { return entry.protocol == protocol; });
}

HttpHeader KeyHeader(const EndpointOptions& options) {
  std::string name = options.api_key_header.empty()
                         ? std::string(EntryOf(options.protocol).key_header)
                         : options.api_key_header;
  const bool is_bearer = name == "Authorization";
  return {std::move(name), (is_bearer ? "Bearer " : "") + options.api_key};
}

void AddMembers(const std::string& members, Json& body) {
  constexpr bool kMergeObjects = true;
  if (members.empty()) return;
  if (const auto more = ParseJson(members); more.ok()) body.update(*more, kMergeObjects);
}

HttpRequest JsonRequest(const EndpointOptions& options, std::string_view path, const Json& body) {
  HttpRequest request;
  request.url = EndpointUrl(options) + std::string(path);
  request.headers = EndpointHeaders(options);
  request.headers.insert(request.headers.begin(), {"Content-Type", "application/json"});
  request.body = DumpJson(body);
  return request;
}

// Headers may hold secrets of their own, so the behaviour has no more than their hash.
std::string HeadersHash(const std::vector<HttpHeader>& headers) {
  KeyBuilder builder("headers");
  for (const HttpHeader& header : headers) builder.Add(header.name).Add(header.value);
  return builder.Build().Hex();
}

}  // namespace

std::string_view EndpointProtocolName(EndpointProtocol protocol) { return EntryOf(protocol).name; }

std::optional<EndpointProtocol> ParseEndpointProtocol(std::string_view name) {
  for (const ProtocolEntry& entry : kProtocols) {
    if (entry.name == name) return entry.protocol;
  }
  return std::nullopt;
}

std::string EndpointUrl(const EndpointOptions& options) {
  std::string url =
      options.base_url.empty() ? std::string(EntryOf(options.protocol).base_url) : options.base_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::vector<HttpHeader> EndpointHeaders(const EndpointOptions& options) {
  std::vector<HttpHeader> headers;
  if (options.protocol == EndpointProtocol::kAnthropic) {
    headers.push_back({"anthropic-version", "2023-06-01"});
  }
  if (!options.api_key.empty()) headers.push_back(KeyHeader(options));
  headers.insert(headers.end(), options.headers.begin(), options.headers.end());
  return headers;
}

std::string WithoutKey(std::string text, const EndpointOptions& options) {
  const std::string& key = options.api_key;
  if (key.empty()) return text;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    text.replace(at, key.size(), "[key]");
  }
  return text;
}

std::int64_t TokenLimit(const EndpointOptions& options) {
  // Anthropic's protocol demands a limit.
  constexpr std::int64_t kAnthropicLimit = 4096;
  const bool needs_limit = options.protocol == EndpointProtocol::kAnthropic;
  return options.max_tokens == 0 && needs_limit ? kAnthropicLimit : options.max_tokens;
}

HttpRequest MakeChatRequest(const EndpointOptions& options, const Conversation& conversation,
                            int sample) {
  EndpointOptions asked = options;
  if (asked.seed) *asked.seed += sample;
  Json body = {{"model", asked.model}};
  switch (asked.protocol) {
    case EndpointProtocol::kOpenAi:
      AddOpenAi(asked, conversation, body);
      break;
    case EndpointProtocol::kAnthropic:
      AddAnthropic(asked, conversation, body);
      break;
    case EndpointProtocol::kOllama:
      AddOllama(asked, conversation, body);
      break;
  }
  AddMembers(options.body, body);
  return JsonRequest(options, EntryOf(options.protocol).path, body);
}

HttpRequest MakeTextRequest(const EndpointOptions& options, const std::string& path, Json body) {
  AddMembers(options.body, body);
  return JsonRequest(options, path, body);
}

Json EndpointBehaviour(const EndpointOptions& options) {
  Json json = {{"kind", EndpointProtocolName(options.protocol)}, {"model", options.model}};
  const auto add = [&](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  const auto add_text = [&](const char* name, const std::string& text) {
    if (!text.empty()) json[name] = text;
  };
  add_text("version", options.version);
  add_text("system_prompt", options.system_prompt);
  add("temperature", options.temperature);
  add("top_p", options.top_p);
  add("top_k", options.top_k);
  add("seed", options.seed);
  if (!options.stop.empty()) json["stop"] = options.stop;
  if (const auto limit = TokenLimit(options); limit > 0) json["max_tokens"] = limit;
  if (options.max_tokens_field != "max_tokens") {
    json["max_tokens_field"] = options.max_tokens_field;
  }
  if (const auto body = ParseJson(options.body); body.ok()) json["body"] = *body;
  if (!options.headers.empty()) json["headers"] = HeadersHash(options.headers);
  if (options.keep_cut) json["keep_cut"] = true;
  return json;
}

namespace {

// A server that does not stream answers with a document even where it was asked to.
bool IsStream(EndpointProtocol protocol, std::string_view body) {
  const std::string_view text = TrimSpace(body);
  const auto begins = [text](std::string_view field) { return text.starts_with(field); };
  return protocol == EndpointProtocol::kOpenAi &&
         (begins(":") || begins("data:") || begins("event:") || begins("id:"));
}

}  // namespace

Result<ChatEndpointReply> ParseChatReply(EndpointProtocol protocol, std::string_view body) {
  if (IsStream(protocol, body)) {
    ARENA_ASSIGN_OR_RETURN(const Json whole, JoinOpenAiStream(body));
    ARENA_ASSIGN_OR_RETURN(ChatEndpointReply reply, ReadOpenAi(whole));
    reply.joined = DumpJson(whole);
    return reply;
  }
  auto json = ParseJson(body);
  if (!json.ok()) {
    return InvalidInput("the reply is not valid JSON: " + json.error().message);
  }
  if (!json->is_object()) return InvalidInput("the reply is no JSON object");
  switch (protocol) {
    case EndpointProtocol::kOpenAi:
      return ReadOpenAi(*json);
    case EndpointProtocol::kAnthropic:
      return ReadAnthropic(*json);
    case EndpointProtocol::kOllama:
      return ReadOllama(*json);
  }
  return InternalError("an unknown protocol");
}

bool IsContentFilterError(const HttpReply& reply) {
  const auto json = ParseJson(reply.body);
  if (!json.ok() || !json->is_object()) return false;
  const std::string code = TextAt(ObjectAt(*json, "error"), "code");
  return code == "content_filter" || code == "content_policy_violation";
}

std::string TextAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t CountAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return 0;
  const auto value = found->get<double>();
  return value >= 0 && value <= kMostTokens ? static_cast<std::int64_t>(value) : 0;
}

const Json& ObjectAt(const Json& object, const char* name) {
  static const Json kNone = Json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNone;
}

}  // namespace arena
