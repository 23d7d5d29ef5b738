// Replies of model servers: whatever is accepted has sensible counts and an end that is known.
#include <cstdint>

#include "chat/internal/chat_protocol.h"
#include "check.h"
#include "net/outcome.h"

namespace {

using arena::EndpointProtocol;
using arena::fuzz::Demand;

void CheckReply(EndpointProtocol protocol, std::string_view body) {
  const auto reply = arena::ParseChatReply(protocol, body);
  if (!reply.ok()) {
    Demand(!reply.error().message.empty(), "an error says what is wrong");
    return;
  }
  arena::fuzz::Touch(reply->text);
  arena::fuzz::Touch(reply->reasoning);
  const arena::Usage& usage = reply->usage;
  for (const std::int64_t count : {usage.prompt_tokens, usage.completion_tokens,
                                   usage.reasoning_tokens, usage.cached_tokens}) {
    Demand(count >= 0 && count <= 4'000'000'000'000, "counts of tokens");
  }
  Demand(reply->failure != arena::FailureKind::kUnparsable &&
             reply->failure != arena::FailureKind::kMissing,
         "a reply ends as an answer, by length, by a filter or otherwise");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const EndpointProtocol protocol :
       {EndpointProtocol::kOpenAi, EndpointProtocol::kAnthropic, EndpointProtocol::kOllama}) {
    CheckReply(protocol, text);
  }
  arena::HttpReply error;
  error.status = 500;
  error.body = text;
  error.headers = {{"Retry-After", std::string(text.substr(0, 64))}};
  static_cast<void>(arena::IsContentFilterError(error));
  const std::string message = arena::ErrorMessageOf(error);
  Demand(message.size() <= 303 && message.find('\n') == std::string::npos, "a short line");
  const auto wait = arena::RetryAfter(error, std::chrono::system_clock::time_point{});
  Demand(!wait || wait->count() >= 0, "a wait is not negative");
  return 0;
}
