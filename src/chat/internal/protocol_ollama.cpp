// Ollama's /api/chat.
#include <nlohmann/json.hpp>

#include "chat/internal/chat_protocol.h"

namespace arena {

void AddOllama(const EndpointOptions& options, const Conversation& conversation, Json& body) {
  body["messages"] = MessagesJson(conversation);
  body["stream"] = false;
  Json settings = Json::object();
  if (options.temperature) settings["temperature"] = *options.temperature;
  if (options.top_p) settings["top_p"] = *options.top_p;
  if (options.top_k) settings["top_k"] = *options.top_k;
  if (options.seed) settings["seed"] = *options.seed;
  if (!options.stop.empty()) settings["stop"] = options.stop;
  if (options.max_tokens > 0) settings["num_predict"] = options.max_tokens;
  if (!settings.empty()) body["options"] = settings;
}

Result<ChatEndpointReply> ReadOllama(const Json& reply) {
  const Json& message = ObjectAt(reply, "message");
  if (!message.contains("content") || !message["content"].is_string()) {
    const std::string error = TextAt(reply, "error");
    return InvalidInput(error.empty() ? "the reply has no message with a text"
                                      : "the reply is an error: " + error);
  }
  const auto done = reply.find("done");
  if (done == reply.end() || *done != true) return InvalidInput("the reply is not complete");
  ChatEndpointReply read;
  read.text = TextAt(message, "content");
  read.reasoning = TextAt(message, "thinking");
  read.finish_reason = TextAt(reply, "done_reason");
  // Servers of before 2024 give no reason.
  const bool is_whole = read.finish_reason.empty() || read.finish_reason == "stop";
  read.failure = is_whole                         ? FailureKind::kNone
                 : read.finish_reason == "length" ? FailureKind::kLength
                                                  : FailureKind::kApi;
  read.usage.prompt_tokens = CountAt(reply, "prompt_eval_count");
  read.usage.completion_tokens = CountAt(reply, "eval_count");
  return read;
}

}  // namespace arena
