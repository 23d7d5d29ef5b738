// Requests and replies of the chat protocols, as pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "chat/endpoint_options.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "net/http.h"

namespace arena {

/// A reply that is complete, whatever it says.
struct ChatEndpointReply {
  std::string text;
  std::string reasoning;
  std::string finish_reason;  ///< as the server said it, or empty
  /// kLength, kContentFilter, or kApi for an end that is none of an answer.
  FailureKind failure = FailureKind::kNone;
  Usage usage;         ///< tokens
  std::string joined;  ///< the document that a stream's events make; empty: it was none
};

/// The request for the next message of the conversation, key and headers included.
HttpRequest MakeChatRequest(const EndpointOptions& options, const Conversation& conversation,
                            int sample);

/// The request of another API of kOpenAi's at `path` ("/embeddings"), with the members of
/// options.body put into `body`.
HttpRequest MakeTextRequest(const EndpointOptions& options, const std::string& path, Json body);

/// The settings that can change an answer, for the behaviour.
Json EndpointBehaviour(const EndpointOptions& options);

/// Reads a reply of status 2xx. Error: it is not what the protocol says, so that it is worth
/// another attempt.
Result<ChatEndpointReply> ParseChatReply(EndpointProtocol protocol, std::string_view body);

/// Whether an error reply says that a content filter refused the prompt.
bool IsContentFilterError(const HttpReply& reply);

/// The limit of tokens that the request states; 0: none.
std::int64_t TokenLimit(const EndpointOptions& options);

// The protocols. Each Add... fills a request's body, without the conversation's system prompt
// changed or members of options.body; each Read... takes a parsed document.
void AddOpenAi(const EndpointOptions& options, const Conversation& conversation, Json& body);
void AddAnthropic(const EndpointOptions& options, const Conversation& conversation, Json& body);
void AddOllama(const EndpointOptions& options, const Conversation& conversation, Json& body);
Result<ChatEndpointReply> ReadOpenAi(const Json& reply);
Result<ChatEndpointReply> ReadAnthropic(const Json& reply);
Result<ChatEndpointReply> ReadOllama(const Json& reply);

/// The document that the events of a streamed reply make, as if it had not been streamed. Error:
/// an event that is none, one that says an error, no end.
Result<Json> JoinOpenAiStream(std::string_view events);

// What the protocols share.
/// The text at `name`; empty where there is none.
std::string TextAt(const Json& object, const char* name);
/// The count at `name`, 0 where there is none or it is no sensible number.
std::int64_t CountAt(const Json& object, const char* name);
/// The object at `name`, an empty one where there is none.
const Json& ObjectAt(const Json& object, const char* name);

}  // namespace arena
