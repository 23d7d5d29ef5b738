// Anthropic's Messages.
#include <nlohmann/json.hpp>

#include "chat/internal/chat_protocol.h"

namespace arena {
namespace {

FailureKind AnthropicFailure(std::string_view stop_reason) {
  if (stop_reason == "end_turn" || stop_reason == "stop_sequence") return FailureKind::kNone;
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") {
    return FailureKind::kLength;
  }
  return stop_reason == "refusal" ? FailureKind::kContentFilter : FailureKind::kApi;
}

}  // namespace

void AddAnthropic(const EndpointOptions& options, const Conversation& conversation, Json& body) {
  std::string system;
  Conversation turns;
  for (const Message& message : conversation) {
    if (message.role != Role::kSystem) {
      turns.push_back(message);
      continue;
    }
    if (!system.empty()) system += "\n\n";
    system += message.content;
  }
  if (!system.empty()) body["system"] = system;
  body["messages"] = MessagesJson(turns);
  body["max_tokens"] = TokenLimit(options);
  if (options.temperature) body["temperature"] = *options.temperature;
  if (options.top_p) body["top_p"] = *options.top_p;
  if (options.top_k) body["top_k"] = *options.top_k;
  if (!options.stop.empty()) body["stop_sequences"] = options.stop;
}

Result<ChatEndpointReply> ReadAnthropic(const Json& reply) {
  const auto content = reply.find("content");
  if (content == reply.end() || !content->is_array()) {
    const std::string message = TextAt(ObjectAt(reply, "error"), "message");
    return InvalidInput(message.empty() ? "the reply has no content"
                                        : "the reply is an error: " + message);
  }
  ChatEndpointReply read;
  for (const Json& block : *content) {
    if (!block.is_object()) return InvalidInput("the reply's content is no list of blocks");
    const std::string type = TextAt(block, "type");
    if (type == "text") read.text += TextAt(block, "text");
    if (type == "thinking") read.reasoning += TextAt(block, "thinking");
  }
  read.finish_reason = TextAt(reply, "stop_reason");
  if (read.finish_reason.empty()) return InvalidInput("the reply has no stop_reason");
  read.failure = AnthropicFailure(read.finish_reason);
  const Json& usage = ObjectAt(reply, "usage");
  read.usage.cached_tokens = CountAt(usage, "cache_read_input_tokens");
  read.usage.prompt_tokens = CountAt(usage, "input_tokens") + read.usage.cached_tokens +
                             CountAt(usage, "cache_creation_input_tokens");
  read.usage.completion_tokens = CountAt(usage, "output_tokens");
  return read;
}

}  // namespace arena
