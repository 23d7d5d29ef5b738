#include "tests/endpoint/fake_replies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rng.h"

namespace arena {
namespace {

FakeReply ErrorReply(int status, std::string_view message) {
  return {status, "", DumpJson({{"error", {{"message", message}, {"type", "fake"}}}})};
}

std::int64_t TokensOf(std::string_view text) {
  return static_cast<std::int64_t>(text.size() / 4 + 1);
}

struct Answered {
  std::string model;
  std::string text;
  bool is_cut = false;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

Json OpenAiReply(const Answered& answer) {
  return {{"id", "chatcmpl-fake"},
          {"object", "chat.completion"},
          {"model", answer.model},
          {"choices",
           {{{"index", 0},
             {"message", {{"role", "assistant"}, {"content", answer.text}}},
             {"finish_reason", answer.is_cut ? "length" : "stop"}}}},
          {"usage",
           {{"prompt_tokens", answer.prompt_tokens},
            {"completion_tokens", answer.completion_tokens},
            {"total_tokens", answer.prompt_tokens + answer.completion_tokens}}}};
}

Json AnthropicReply(const Answered& answer) {
  return {{"id", "msg_fake"},
          {"type", "message"},
          {"role", "assistant"},
          {"model", answer.model},
          {"content", {{{"type", "text"}, {"text", answer.text}}}},
          {"stop_reason", answer.is_cut ? "max_tokens" : "end_turn"},
          {"usage",
           {{"input_tokens", answer.prompt_tokens}, {"output_tokens", answer.completion_tokens}}}};
}

Json OllamaReply(const Answered& answer) {
  return {{"model", answer.model},
          {"message", {{"role", "assistant"}, {"content", answer.text}}},
          {"done", true},
          {"done_reason", answer.is_cut ? "length" : "stop"},
          {"prompt_eval_count", answer.prompt_tokens},
          {"eval_count", answer.completion_tokens}};
}

// Throws nlohmann's exceptions where the body is no such request.
Answered AnswerTo(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  const Json body = Json::parse(request.body);
  Answered answer;
  answer.model = body.at("model").get<std::string>();
  std::string prompt;
  for (const Json& message : body.at("messages")) {
    const auto content = message.at("content").get<std::string>();
    answer.prompt_tokens += TokensOf(content);
    if (message.at("role") == "user") prompt = content;
  }
  answer.text = FakeAnswer(answer.model, prompt);
  answer.is_cut = Rng(RequestHash(request).high).Uniform() < options.cut_rate;
  if (answer.is_cut) answer.text.resize(answer.text.size() / 2);
  answer.completion_tokens = TokensOf(answer.text);
  return answer;
}

}  // namespace

std::string FakeAnswer(std::string_view model, std::string_view prompt) {
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto begin = std::find_if(prompt.begin(), prompt.end(), digit);
  if (begin == prompt.end()) return fmt::format("You said: {}", prompt);
  const auto end = std::find_if_not(begin, prompt.end(), digit);
  const bool is_wrong = KeyBuilder("wrong").Add(model).Add(prompt).Build().low % 4 == 0;
  const std::string number = std::string(begin, end).substr(0, 9);
  return fmt::format("The answer is {}.", std::stoi(number) + (is_wrong ? 1 : 0));
}

Key RequestHash(const ReceivedRequest& request) {
  return KeyBuilder("request").Add(request.path).Add(request.body).Build();
}

EndpointFault FaultOf(const FakeEndpointOptions& options, const Key& request, int attempt) {
  if (attempt > options.faults_in_a_row || options.faults.empty()) return EndpointFault::kNone;
  Rng rng(request.low, static_cast<std::uint64_t>(attempt));
  if (rng.Uniform() >= options.fault_rate) return EndpointFault::kNone;
  return options.faults[rng.Below(options.faults.size())];
}

FakeReply ReplyTo(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  if (!options.key.empty() && request.key != options.key) {
    return ErrorReply(401, "Incorrect API key provided: " + request.key);
  }
  Json (*form)(const Answered&) = request.path == "/v1/chat/completions" ? OpenAiReply
                                  : request.path == "/v1/messages"       ? AnthropicReply
                                  : request.path == "/api/chat"          ? OllamaReply
                                                                         : nullptr;
  if (form == nullptr) return ErrorReply(404, "there is no " + request.path);
  try {
    return {200, "", DumpJson(form(AnswerTo(options, request)))};
  } catch (const Json::exception& e) {
    return ErrorReply(400, e.what());
  }
}

}  // namespace arena
