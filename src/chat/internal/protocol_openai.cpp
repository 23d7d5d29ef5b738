// OpenAI's chat completions, and what servers that follow it add.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/trim.h"
#include "chat/internal/chat_protocol.h"

namespace arena {
namespace {

// null and empty, too: some servers say nothing of a whole answer.
constexpr std::array<std::string_view, 6> kWholeAnswers = {
    "", "stop", "eos", "eos_token", "end_turn", "stop_sequence"};
constexpr std::array<std::string_view, 3> kCutAnswers = {"length", "max_tokens", "model_length"};

template <std::size_t N>
bool IsAmong(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

FailureKind OpenAiFailure(std::string_view finish_reason) {
  if (IsAmong(kWholeAnswers, finish_reason)) return FailureKind::kNone;
  if (IsAmong(kCutAnswers, finish_reason)) return FailureKind::kLength;
  if (finish_reason == "content_filter") return FailureKind::kContentFilter;
  return FailureKind::kApi;
}

// A text, or a list of parts with texts. None: something else.
std::optional<std::string> ContentOf(const Json& content) {
  if (content.is_null()) return "";
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return std::nullopt;
  std::string text;
  for (const Json& part : content) {
    if (!part.is_object()) return std::nullopt;
    text += TextAt(part, "text");
  }
  return text;
}

Usage OpenAiUsage(const Json& usage) {
  Usage counts;
  counts.prompt_tokens = CountAt(usage, "prompt_tokens");
  counts.completion_tokens = CountAt(usage, "completion_tokens");
  counts.reasoning_tokens =
      CountAt(ObjectAt(usage, "completion_tokens_details"), "reasoning_tokens");
  counts.cached_tokens = CountAt(ObjectAt(usage, "prompt_tokens_details"), "cached_tokens");
  return counts;
}

}  // namespace

void AddOpenAi(const EndpointOptions& options, const Conversation& conversation, Json& body) {
  body["messages"] = MessagesJson(conversation);
  if (options.temperature) body["temperature"] = *options.temperature;
  if (options.top_p) body["top_p"] = *options.top_p;
  if (options.top_k) body["top_k"] = *options.top_k;
  if (options.seed) body["seed"] = *options.seed;
  if (!options.stop.empty()) body["stop"] = options.stop;
  if (options.max_tokens > 0) body[options.max_tokens_field] = options.max_tokens;
  if (options.stream) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
}

namespace {

// Where a streamed reply stands.
struct StreamedReply {
  Json message = {{"role", "assistant"}, {"content", ""}};
  Json finish_reason = nullptr;
  Json usage = nullptr;
  bool has_choice = false;
  bool is_done = false;

  void Append(const Json& delta, const char* name) {
    if (const std::string more = TextAt(delta, name); !more.empty()) {
      message[name] = TextAt(message, name) + more;
    }
  }
  void Add(const Json& event) {
    if (const Json& counts = ObjectAt(event, "usage"); !counts.empty()) usage = counts;
    const auto choices = event.find("choices");
    if (choices == event.end() || !choices->is_array() || choices->empty()) return;
    const Json& choice = choices->front();
    if (!choice.is_object()) return;
    has_choice = true;
    const Json& delta = ObjectAt(choice, "delta");
    for (const char* name : {"content", "reasoning_content", "reasoning", "refusal"}) {
      Append(delta, name);
    }
    if (const std::string end = TextAt(choice, "finish_reason"); !end.empty()) finish_reason = end;
  }
};

}  // namespace

Result<Json> JoinOpenAiStream(std::string_view events) {
  constexpr std::string_view kData = "data:";
  StreamedReply reply;
  while (!events.empty() && !reply.is_done) {
    const std::size_t end = std::min(events.find('\n'), events.size());
    std::string_view line = TrimSpace(events.substr(0, end));
    events.remove_prefix(std::min(end + 1, events.size()));
    if (!line.starts_with(kData)) continue;  // comments, names of events
    line = TrimSpace(line.substr(kData.size()));
    reply.is_done = line == "[DONE]";
    if (reply.is_done) break;
    const auto event = ParseJson(line);
    if (!event.ok() || !event->is_object()) {
      return InvalidInput("the streamed reply has an event that is no JSON object");
    }
    if (event->contains("error") && !event->at("error").is_null()) {
      return InvalidInput("the reply is an error: " + TextAt(ObjectAt(*event, "error"), "message"));
    }
    reply.Add(*event);
  }
  if (!reply.has_choice || (!reply.is_done && reply.finish_reason.is_null())) {
    return InvalidInput("the streamed reply has no end");
  }
  return Json{{"object", "chat.completion"},
              {"choices", Json::array({{{"index", 0},
                                        {"message", std::move(reply.message)},
                                        {"finish_reason", std::move(reply.finish_reason)}}})},
              {"usage", std::move(reply.usage)}};
}

Result<ChatEndpointReply> ReadOpenAi(const Json& reply) {
  const auto choices = reply.find("choices");
  if (choices == reply.end() || !choices->is_array() || choices->empty() ||
      !choices->front().is_object()) {
    const std::string message = TextAt(ObjectAt(reply, "error"), "message");
    return InvalidInput(message.empty() ? "the reply has no choices"
                                        : "the reply is an error: " + message);
  }
  const Json& choice = choices->front();
  const Json& message = ObjectAt(choice, "message");
  const auto content = message.find("content");
  const auto text = content == message.end() ? std::optional<std::string>() : ContentOf(*content);
  ChatEndpointReply read;
  read.reasoning = TextAt(message, "reasoning_content");
  if (read.reasoning.empty()) read.reasoning = TextAt(message, "reasoning");
  read.finish_reason = TextAt(choice, "finish_reason");
  if (read.finish_reason == "error") return InvalidInput("the reply ended with an error");
  read.failure = OpenAiFailure(read.finish_reason);
  if (!text && read.failure == FailureKind::kNone) {
    return InvalidInput("the reply has no message with a text");
  }
  read.text = text.value_or("");
  // With structured output a model refuses in a member of its own: that is what it says.
  if (read.text.empty()) read.text = TextAt(message, "refusal");
  read.usage = OpenAiUsage(ObjectAt(reply, "usage"));
  return read;
}

}  // namespace arena
