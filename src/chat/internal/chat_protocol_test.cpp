#include "chat/internal/chat_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace arena {
namespace {

using ::testing::HasSubstr;

const Conversation kAsked = {{Role::kSystem, "Be short."},
                             {Role::kUser, "Hi"},
                             {Role::kAssistant, "Hello"},
                             {Role::kUser, "Bye"}};

EndpointOptions Options(EndpointProtocol protocol) {
  EndpointOptions options;
  options.protocol = protocol;
  options.base_url = "http://host:1/";
  options.model = "m";
  options.api_key = "secret";
  options.temperature = 0.5;
  options.seed = 7;
  options.stop = {"END"};
  options.max_tokens = 100;
  return options;
}

std::string HeaderOf(const HttpRequest& request, std::string_view name) {
  for (const HttpHeader& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

TEST(ChatRequestTest, OpenAi) {
  EndpointOptions options = Options(EndpointProtocol::kOpenAi);
  options.body = R"({"reasoning_effort": "low", "logit_bias": {"1": -1}})";
  options.headers = {{"X-Team", "a"}};
  const HttpRequest request = MakeChatRequest(options, kAsked, 2);
  EXPECT_EQ(request.url, "http://host:1/chat/completions");
  EXPECT_EQ(HeaderOf(request, "Authorization"), "Bearer secret");
  EXPECT_EQ(HeaderOf(request, "X-Team"), "a");
  EXPECT_EQ(request.body,
            R"({"model":"m","messages":[{"role":"system","content":"Be short."},)"
            R"({"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},)"
            R"({"role":"user","content":"Bye"}],"temperature":0.5,"seed":9,"stop":["END"],)"
            R"("max_tokens":100,"reasoning_effort":"low","logit_bias":{"1":-1}})");
}

TEST(ChatStreamTest, EventsMakeTheReplyThatWasNotStreamed) {
  EndpointOptions options = Options(EndpointProtocol::kOpenAi);
  options.stream = true;
  EXPECT_THAT(MakeChatRequest(options, kAsked, 0).body,
              HasSubstr(R"("stream":true,"stream_options":{"include_usage":true})"));
  const auto reply = ParseChatReply(
      EndpointProtocol::kOpenAi,
      ": comment\r\n\r\nevent: message\r\n"
      "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n"
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"Good\"}}],\"usage\":null}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\" bye\"},\"finish_reason\":\"length\"}]}\n\n"
      "data:{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n"
      "data: [DONE]\n\n");
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->text, "Good bye");
  EXPECT_EQ(reply->reasoning, "hm");
  EXPECT_EQ(reply->failure, FailureKind::kLength);
  EXPECT_EQ(reply->usage.prompt_tokens, 3);
  EXPECT_EQ(reply->usage.completion_tokens, 2);
  EXPECT_EQ(ParseChatReply(EndpointProtocol::kOpenAi, reply->joined)->text, "Good bye");
}

TEST(ChatStreamTest, AStreamWithoutItsEndIsNoReply) {
  const std::string begin = "data: {\"choices\":[{\"delta\":{\"content\":\"Good\"}}]}\n\n";
  for (const std::string& rest : {std::string(), std::string("data: {\"choi"),
                                  std::string("data: {\"error\":{\"message\":"
                                              "\"overloaded\"}}\n\n")}) {
    EXPECT_FALSE(ParseChatReply(EndpointProtocol::kOpenAi, begin + rest).ok()) << rest;
  }
  EXPECT_FALSE(ParseChatReply(EndpointProtocol::kOpenAi, "data: [DONE]\n\n").ok());
  EXPECT_EQ(ParseChatReply(EndpointProtocol::kOpenAi, begin + "data: [DONE]\n\n")->text, "Good");
}

TEST(ChatRequestTest, WhatIsNotSetIsNotSent) {
  EndpointOptions options;
  options.base_url = "http://host:1";
  options.model = "m";
  options.max_tokens = 5;
  options.max_tokens_field = "max_completion_tokens";
  options.api_key = "secret";
  options.api_key_header = "api-key";
  const HttpRequest request = MakeChatRequest(options, {{Role::kUser, "Hi"}}, 3);
  EXPECT_EQ(
      request.body,
      R"({"model":"m","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":5})");
  EXPECT_EQ(HeaderOf(request, "api-key"), "secret");
  EXPECT_EQ(HeaderOf(request, "Authorization"), "");
}

TEST(ChatRequestTest, AnthropicTakesTheSystemPromptApartAndAlwaysALimit) {
  EndpointOptions options = Options(EndpointProtocol::kAnthropic);
  options.max_tokens = 0;
  const HttpRequest request = MakeChatRequest(options, kAsked, 0);
  EXPECT_EQ(request.url, "http://host:1/v1/messages");
  EXPECT_EQ(HeaderOf(request, "x-api-key"), "secret");
  EXPECT_NE(HeaderOf(request, "anthropic-version"), "");
  EXPECT_EQ(request.body,
            R"({"model":"m","system":"Be short.","messages":[{"role":"user","content":"Hi"},)"
            R"({"role":"assistant","content":"Hello"},{"role":"user","content":"Bye"}],)"
            R"("max_tokens":4096,"temperature":0.5,"stop_sequences":["END"]})");
}

TEST(ChatRequestTest, OllamaPutsSettingsIntoOptions) {
  EndpointOptions options = Options(EndpointProtocol::kOllama);
  options.body = R"({"options": {"num_ctx": 8192}, "think": true})";
  const HttpRequest request = MakeChatRequest(options, {{Role::kUser, "Hi"}}, 0);
  EXPECT_EQ(request.url, "http://host:1/api/chat");
  EXPECT_EQ(request.body,
            R"({"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":false,)"
            R"("options":{"temperature":0.5,"seed":7,"stop":["END"],"num_predict":100,)"
            R"("num_ctx":8192},"think":true})");
}

TEST(EndpointBehaviourTest, HasWhatCanChangeAnAnswerAndNothingElse) {
  const auto behaviour = [](auto change) {
    EndpointOptions options = Options(EndpointProtocol::kOpenAi);
    change(options);
    return DumpJson(EndpointBehaviour(options));
  };
  const std::string plain = behaviour([](EndpointOptions&) {});
  EXPECT_EQ(plain, R"({"kind":"openai","model":"m","temperature":0.5,"seed":7,"stop":["END"],)"
                   R"("max_tokens":100})");
  const std::vector<void (*)(EndpointOptions&)> same = {
      [](EndpointOptions& o) { o.base_url = "http://other"; },
      [](EndpointOptions& o) { o.api_key = "other"; },
      [](EndpointOptions& o) { o.answers_at_once = 1; },
      [](EndpointOptions& o) { o.prices.input = 3; },
      [](EndpointOptions& o) { o.name = "other"; },
  };
  for (const auto change : same) EXPECT_EQ(behaviour(change), plain);
  const std::vector<void (*)(EndpointOptions&)> differing = {
      [](EndpointOptions& o) { o.model = "n"; },
      [](EndpointOptions& o) { o.version = "2"; },
      [](EndpointOptions& o) { o.system_prompt = "Be kind."; },
      [](EndpointOptions& o) { o.temperature = 0; },
      [](EndpointOptions& o) { o.temperature.reset(); },
      [](EndpointOptions& o) { o.top_p = 1; },
      [](EndpointOptions& o) { o.top_k = 1; },
      [](EndpointOptions& o) { o.seed = 8; },
      [](EndpointOptions& o) { o.stop.clear(); },
      [](EndpointOptions& o) { o.max_tokens = 99; },
      [](EndpointOptions& o) { o.max_tokens_field = "max_completion_tokens"; },
      [](EndpointOptions& o) { o.body = R"({"a":1})"; },
      [](EndpointOptions& o) {
        o.headers = {{"A", "b"}};
      },
      [](EndpointOptions& o) { o.keep_cut = true; },
      [](EndpointOptions& o) { o.protocol = EndpointProtocol::kOllama; },
  };
  for (std::size_t i = 0; i < differing.size(); ++i) EXPECT_NE(behaviour(differing[i]), plain) << i;
  EXPECT_THAT(behaviour([](EndpointOptions& o) {
                o.headers = {{"X-Key", "hidden"}};
              }),
              ::testing::Not(HasSubstr("hidden")));
}

TEST(ChatReplyTest, OpenAiWithUsageAndReasoning) {
  const auto reply = ParseChatReply(EndpointProtocol::kOpenAi, R"({
    "choices": [{"message": {"role": "assistant", "content": "42", "reasoning_content": "6*7"},
                 "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5,
              "completion_tokens_details": {"reasoning_tokens": 3},
              "prompt_tokens_details": {"cached_tokens": 8}}})");
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->text, "42");
  EXPECT_EQ(reply->reasoning, "6*7");
  EXPECT_EQ(reply->failure, FailureKind::kNone);
  EXPECT_EQ(reply->usage.prompt_tokens, 10);
  EXPECT_EQ(reply->usage.completion_tokens, 5);
  EXPECT_EQ(reply->usage.reasoning_tokens, 3);
  EXPECT_EQ(reply->usage.cached_tokens, 8);
}

FailureKind OpenAiEnd(const std::string& finish_reason) {
  const auto reply = ParseChatReply(
      EndpointProtocol::kOpenAi,
      R"({"choices":[{"message":{"content":"x"},"finish_reason":)" + finish_reason + "}]}");
  return reply.ok() ? reply->failure : FailureKind::kMissing;
}

TEST(ChatReplyTest, EndsAreToldApartAndAnUnknownOneIsNoAnswer) {
  for (const char* end : {R"("stop")", "null", R"("eos")", R"("")"}) {
    EXPECT_EQ(OpenAiEnd(end), FailureKind::kNone) << end;
  }
  EXPECT_EQ(OpenAiEnd(R"("length")"), FailureKind::kLength);
  EXPECT_EQ(OpenAiEnd(R"("content_filter")"), FailureKind::kContentFilter);
  EXPECT_EQ(OpenAiEnd(R"("tool_calls")"), FailureKind::kApi);
  EXPECT_EQ(OpenAiEnd(R"("whatever")"), FailureKind::kApi);
  EXPECT_EQ(OpenAiEnd(R"("error")"), FailureKind::kMissing) << "worth another attempt";
}

TEST(ChatReplyTest, OpenAiContentMayBePartsOrARefusal) {
  const auto text = [](const std::string& message) {
    return ParseChatReply(EndpointProtocol::kOpenAi,
                          R"({"choices":[{"finish_reason":"stop","message":)" + message + "}]}")
        ->text;
  };
  EXPECT_EQ(text(R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})"), "ab");
  EXPECT_EQ(text(R"({"content":null,"refusal":"I will not."})"), "I will not.");
}

TEST(ChatReplyTest, AnthropicBlocks) {
  const auto reply = ParseChatReply(EndpointProtocol::kAnthropic, R"({
    "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "4"}, {"type": "text", "text": "2"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 4, "cache_read_input_tokens": 6, "cache_creation_input_tokens": 1,
              "output_tokens": 9}})");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->text, "42");
  EXPECT_EQ(reply->reasoning, "hm");
  EXPECT_EQ(reply->usage.prompt_tokens, 11);
  EXPECT_EQ(reply->usage.cached_tokens, 6);
  EXPECT_EQ(reply->usage.completion_tokens, 9);
  const auto end = [](const std::string& reason) {
    return ParseChatReply(EndpointProtocol::kAnthropic,
                          R"({"content":[],"stop_reason":")" + reason + "\"}")
        ->failure;
  };
  EXPECT_EQ(end("max_tokens"), FailureKind::kLength);
  EXPECT_EQ(end("refusal"), FailureKind::kContentFilter);
  EXPECT_EQ(end("tool_use"), FailureKind::kApi);
}

TEST(ChatReplyTest, Ollama) {
  const auto reply = ParseChatReply(EndpointProtocol::kOllama, R"({
    "message": {"role": "assistant", "content": "42", "thinking": "hm"},
    "done": true, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 2})");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->text, "42");
  EXPECT_EQ(reply->reasoning, "hm");
  EXPECT_EQ(reply->failure, FailureKind::kLength);
  EXPECT_EQ(reply->usage.completion_tokens, 2);
  EXPECT_FALSE(
      ParseChatReply(EndpointProtocol::kOllama, R"({"message":{"content":"4"},"done":false})")
          .ok());
}

TEST(ChatReplyTest, WhatIsNoReplySaysWhy) {
  const auto error = [](EndpointProtocol protocol, const std::string& body) {
    const auto reply = ParseChatReply(protocol, body);
    return reply.ok() ? "no error" : reply.error().message;
  };
  for (const EndpointProtocol protocol :
       {EndpointProtocol::kOpenAi, EndpointProtocol::kAnthropic, EndpointProtocol::kOllama}) {
    EXPECT_THAT(error(protocol, R"({"choices": [{"mess)"), HasSubstr("not valid JSON"));
    EXPECT_THAT(error(protocol, "[]"), HasSubstr("no JSON object"));
    EXPECT_NE(error(protocol, "{}"), "no error");
  }
  EXPECT_THAT(error(EndpointProtocol::kOpenAi, R"({"error":{"message":"overloaded"}})"),
              HasSubstr("overloaded"));
  EXPECT_NE(
      error(EndpointProtocol::kOpenAi, R"({"choices":[{"message":{},"finish_reason":"stop"}]})"),
      "no error");
  EXPECT_NE(error(EndpointProtocol::kOpenAi, R"({"choices":[7]})"), "no error");
}

TEST(ChatReplyTest, CountsThatAreNoneAreZero) {
  const auto reply = ParseChatReply(
      EndpointProtocol::kOpenAi,
      R"({"choices":[{"message":{"content":"x"}}],)"
      R"("usage":{"prompt_tokens":-3,"completion_tokens":1e300,"completion_tokens_details":7}})");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->usage.prompt_tokens, 0);
  EXPECT_EQ(reply->usage.completion_tokens, 0);
  EXPECT_EQ(reply->usage.reasoning_tokens, 0);
}

TEST(ContentFilterErrorTest, IsKnownByItsCode) {
  EXPECT_TRUE(IsContentFilterError({400, {}, R"({"error":{"code":"content_filter"}})"}));
  EXPECT_FALSE(IsContentFilterError({400, {}, R"({"error":{"code":"too_long"}})"}));
  EXPECT_FALSE(IsContentFilterError({400, {}, "content_filter"}));
}

}  // namespace
}  // namespace arena
