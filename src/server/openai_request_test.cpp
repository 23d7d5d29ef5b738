#include "server/openai_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace arena {
namespace {

using testing::HasSubstr;

// A chat body of one message with more fields.
std::string Chat(const std::string& fields) {
  return R"({"model":"m","messages":[{"role":"user","content":"Hi"}])" +
         (fields.empty() ? "" : "," + fields) + "}";
}
std::string Completion(const std::string& fields) {
  return R"({"prompt":"Hi")" + (fields.empty() ? "" : "," + fields) + "}";
}

TEST(ChatBodyTest, LeavesOutMeansDefaults) {
  const auto body = ParseChatBody(Chat(""));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->model, "m");
  EXPECT_EQ(body->messages, (Conversation{{Role::kUser, "Hi"}}));
  EXPECT_EQ(body->n, 1);
  EXPECT_EQ(body->max_tokens, 0);
  EXPECT_EQ(body->sampling.temperature, 1);
  EXPECT_EQ(body->sampling.top_p, 1);
  EXPECT_FALSE(body->has_seed);
  EXPECT_FALSE(body->stream);
  EXPECT_FALSE(body->logprobs.has_value());
}

TEST(ChatBodyTest, ReadsEveryField) {
  const auto body = ParseChatBody(
      R"({"messages":[{"role":"developer","content":"Be short"},
          {"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]},
          {"role":"assistant","content":"C","refusal":null,"tool_calls":[]},
          {"content":"\u00e9\u0000","role":"user"}],
          "max_completion_tokens":7,"temperature":0.5,"top_p":0.9,"top_k":-1,"min_p":0.1,
          "repetition_penalty":1.2,"seed":-1,"n":3,"stop":["x","yy"],"stream":true,
          "stream_options":{"include_usage":true},"top_logprobs":4,"logprobs":true,
          "chat_template_kwargs":{"think":false,"level":3,"name":"z"}})");
  ASSERT_TRUE(body) << body.error().message;
  const Conversation expected = {{Role::kSystem, "Be short"},
                                 {Role::kUser, "AB"},
                                 {Role::kAssistant, "C"},
                                 {Role::kUser, std::string("\xC3\xA9\0", 3)}};
  EXPECT_EQ(body->messages, expected);
  EXPECT_EQ(body->max_tokens, 7);
  EXPECT_EQ(body->sampling.temperature, 0.5);
  EXPECT_EQ(body->sampling.top_p, 0.9);
  EXPECT_EQ(body->sampling.top_k, 0);
  EXPECT_EQ(body->sampling.min_p, 0.1);
  EXPECT_EQ(body->sampling.repetition_penalty, 1.2);
  EXPECT_EQ(body->sampling.seed, 0xFFFFFFFFFFFFFFFFULL);
  EXPECT_TRUE(body->has_seed);
  EXPECT_EQ(body->n, 3);
  EXPECT_EQ(body->stop, (std::vector<std::string>{"x", "yy"}));
  EXPECT_TRUE(body->stream);
  EXPECT_TRUE(body->include_usage);
  EXPECT_EQ(body->logprobs, 4);
  ASSERT_EQ(body->template_variables.size(), 3U);
  EXPECT_EQ(std::get<bool>(body->template_variables.at("think")), false);
  EXPECT_EQ(std::get<std::int64_t>(body->template_variables.at("level")), 3);
  EXPECT_EQ(std::get<std::string>(body->template_variables.at("name")), "z");
}

TEST(ChatBodyTest, PassesOverWhatAsksForNothing) {
  for (const std::string field :
       {R"("user":"u")", R"("metadata":{"a":"b"})", R"("store":true)", R"("tools":[])",
        R"("tool_choice":"none")", R"("logit_bias":{})", R"("frequency_penalty":0)",
        R"("presence_penalty":0.0)", R"("response_format":{"type":"text"})",
        R"("modalities":["text"])", R"("stop":null)", R"("seed":null)", R"("audio":null)",
        R"("logprobs":false)", R"("service_tier":"auto")", R"("stop":[])"}) {
    const auto body = ParseChatBody(Chat(field));
    EXPECT_TRUE(body) << field << ": " << body.error().message;
    EXPECT_TRUE(!body || body->stop.empty());
  }
}

struct BadCase {
  std::string fields;
  std::string param;
};

TEST(ChatBodyTest, NamesTheFieldThatIsWrong) {
  const std::vector<BadCase> cases = {
      {R"("tools":[{"type":"function"}])", "tools"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("response_format":{"type":"json_object"})", "response_format"},
      {R"("response_format":"text")", "response_format"},
      {R"("logit_bias":{"5":1})", "logit_bias"},
      {R"("frequency_penalty":0.1)", "frequency_penalty"},
      {R"("modalities":["text","audio"])", "modalities"},
      {R"("reasoning_effort":"low")", "reasoning_effort"},
      {R"("guided_json":{})", "guided_json"},
      {R"("temperature":-0.1)", "temperature"},
      {R"("temperature":2.1)", "temperature"},
      {R"("temperature":"1")", "temperature"},
      {R"("temperature":true)", "temperature"},
      {R"("top_p":1.01)", "top_p"},
      {R"("min_p":-1)", "min_p"},
      {R"("top_k":-2)", "top_k"},
      {R"("repetition_penalty":0)", "repetition_penalty"},
      {R"("n":0)", "n"},
      {R"("n":129)", "n"},
      {R"("n":1.5)", "n"},
      {R"("n":1e300)", "n"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("max_completion_tokens":-1)", "max_tokens"},
      {R"("seed":0.5)", "seed"},
      {R"("stop":"")", "stop"},
      {R"("stop":[1])", "stop"},
      {R"("stop":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"])", "stop"},
      {R"("stream":1)", "stream"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":{"x":1})", "stream_options.x"},
      {R"("top_logprobs":2)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("logprobs":3)", "logprobs"},
      {R"("chat_template_kwargs":{"a":[1]})", "chat_template_kwargs.a"},
      {R"("messages":{})", "messages"},
      {R"("messages":[])", "messages"},
      {R"("messages":[1])", "messages[0]"},
      {R"("messages":[{"role":"user"}])", "messages[0].content"},
      {R"("messages":[{"content":"x"}])", "messages[0].role"},
      {R"("messages":[{"role":"tool","content":"x"}])", "messages[0].role"},
      {R"("messages":[{"role":"user","content":5}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url"}]}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":"x","name":"bob"}])", "messages[0].name"},
  };
  for (const BadCase& bad : cases) {
    const auto body = ParseChatBody(Chat(bad.fields));
    ASSERT_FALSE(body) << bad.fields;
    EXPECT_EQ(body.error().status, 400);
    EXPECT_EQ(body.error().type, "invalid_request_error");
    EXPECT_EQ(body.error().param, bad.param) << bad.fields;
    EXPECT_THAT(body.error().message, HasSubstr(bad.param.substr(0, bad.param.find('['))));
  }
}

TEST(ChatBodyTest, WhatIsNoObjectIsAnError) {
  const std::vector<std::string> bodies = {
      "",
      "{",
      "null",
      "[]",
      "\"x\"",
      R"({"messages":[{"role":"user","content":")"
      "\xFF\"}]}",
      std::string(100000, '['),
      Chat("") + "x",
      std::string("{}\0", 3),
  };
  for (const std::string& text : bodies) {
    const auto body = ParseChatBody(text);
    ASSERT_FALSE(body) << text.substr(0, 50);
    EXPECT_EQ(body.error().status, 400);
    EXPECT_EQ(body.error().code, "invalid_json");
  }
}

TEST(CompletionBodyTest, ReadsOneOrManyPrompts) {
  const auto one = ParseCompletionBody(Completion(R"("logprobs":2,"echo":false,"best_of":1)"));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->prompts, std::vector<std::string>{"Hi"});
  EXPECT_EQ(one->max_tokens, 16);
  EXPECT_EQ(one->logprobs, 2);
  const auto many = ParseCompletionBody(R"({"prompt":["a","b"],"max_tokens":3.0})");
  ASSERT_TRUE(many) << many.error().message;
  EXPECT_EQ(many->prompts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(many->max_tokens, 3);
}

TEST(CompletionBodyTest, NamesTheFieldThatIsWrong) {
  const std::vector<BadCase> cases = {
      {R"("echo":true)", "echo"},       {R"("suffix":"x")", "suffix"},
      {R"("best_of":2)", "best_of"},    {R"("logprobs":true)", "logprobs"},
      {R"("logprobs":21)", "logprobs"}, {R"("prompt":[1,2])", "prompt"},
      {R"("prompt":[])", "prompt"},     {R"("prompt":[[1]])", "prompt"},
      {R"("messages":[])", "messages"},
  };
  for (const BadCase& bad : cases) {
    const auto body = ParseCompletionBody(Completion(bad.fields));
    ASSERT_FALSE(body) << bad.fields;
    EXPECT_EQ(body.error().status, 400);
    EXPECT_EQ(body.error().param, bad.param) << bad.fields;
  }
  EXPECT_EQ(ParseCompletionBody("{}").error().param, "prompt");
}

TEST(EmbeddingBodyTest, ReadsInputsAndEncoding) {
  const auto one = ParseEmbeddingBody(R"({"model":"m","input":"a","user":"u"})");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->inputs, std::vector<std::string>{"a"});
  EXPECT_FALSE(one->is_base64);
  const auto many =
      ParseEmbeddingBody(R"({"input":["a","b"],"encoding_format":"base64","dimensions":96})");
  ASSERT_TRUE(many) << many.error().message;
  EXPECT_TRUE(many->is_base64);
  EXPECT_EQ(many->inputs.size(), 2U);
  EXPECT_EQ(many->dimensions, 96);
  EXPECT_EQ(ParseEmbeddingBody(R"({"input":"a","encoding_format":"x"})").error().param,
            "encoding_format");
  EXPECT_EQ(ParseEmbeddingBody(R"({"input":[3]})").error().param, "input");
  EXPECT_EQ(ParseEmbeddingBody(R"({"input":"a","temperature":1})").error().param, "temperature");
  EXPECT_EQ(ParseEmbeddingBody("{}").error().param, "input");
  std::string crowd = R"({"input":["a")";
  for (std::size_t i = 0; i < kMaxInputs; ++i) crowd += R"(,"a")";
  EXPECT_EQ(ParseEmbeddingBody(crowd + "]}").error().param, "input");
}

}  // namespace
}  // namespace arena
