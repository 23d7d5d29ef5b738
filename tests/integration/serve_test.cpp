// `arena serve` as its clients see it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/program.h"
#include "tests/integration/served_model.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kChat = "/v1/chat/completions";

// A chat request with one message; temperature 0 unless `more` says otherwise.
std::string Chat(std::string_view text, int max_tokens, const Json& more = Json::object()) {
  Json body = {{"messages", {{{"role", "user"}, {"content", text}}}},
               {"max_tokens", max_tokens},
               {"temperature", 0}};
  body.update(more);
  return DumpJson(body);
}

std::string Content(const HttpReply& reply) {
  return reply.json()["choices"][0]["message"]["content"].get<std::string>();
}

std::string Finish(const HttpReply& reply) {
  return reply.json()["choices"][0]["finish_reason"].get<std::string>();
}

// The text of one choice of a stream, and how it ended.
std::pair<std::string, std::string> Streamed(const HttpReply& reply) {
  std::pair<std::string, std::string> seen;
  for (const Json& chunk : StreamedDocuments(reply.body)) {
    if (!chunk.contains("choices") || chunk["choices"].empty()) continue;
    const Json& choice = chunk["choices"][0];
    if (choice["delta"].contains("content")) {
      seen.first += choice["delta"]["content"].get<std::string>();
    }
    if (!choice["finish_reason"].is_null()) {
      seen.second = choice["finish_reason"].get<std::string>();
    }
  }
  return seen;
}

// The value of a line of /metrics; -1: there is none.
double Metric(int port, const std::string& name) {
  const std::string page = "\n" + Fetch(port, "/metrics").body;
  const std::size_t at = page.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
}

bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 200; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(100));
  }
  return false;
}

class ServeTest : public testing::Test {
 protected:
  // Filling it takes much longer than what a test does meanwhile.
  static constexpr int kContext = 16384;
  static constexpr int kEndless = 16000;

  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    ASSERT_TRUE(WriteServedModel(Model(), kContext));
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string Model() { return *folder_ / "mini"; }

  // A prompt whose answer does not end by itself; empty: there is none.
  static std::string Endless() {
    const ServerProgram server(Model(), {"--workers", "1"});
    for (char c = 'a'; c <= 'z' && server.is_ready(); ++c) {
      const std::string prompt(1, c);
      if (Finish(Fetch(server.port(), kChat, Chat(prompt, kEndless / 4))) == "length")
        return prompt;
    }
    return "";
  }

  static inline TemporaryFolder* folder_ = nullptr;
};

TEST_F(ServeTest, StreamsTheSameAnswerThatItGivesWhole) {
  const ServerProgram server(Model(), {"--workers", "1"});
  ASSERT_TRUE(server.is_ready());
  const HttpReply whole = Fetch(server.port(), kChat, Chat("The sea", 50));
  ASSERT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.json()["model"], "mini");
  EXPECT_EQ(whole.json()["usage"]["completion_tokens"], 50);
  const HttpReply stream =
      Fetch(server.port(), kChat,
            Chat("The sea", 50, {{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  EXPECT_EQ(stream.status, 200);
  EXPECT_EQ(stream.headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(Streamed(stream).first, Content(whole));
  EXPECT_EQ(Streamed(stream).second, "length");
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(StreamedDocuments(stream.body).back()["usage"], whole.json()["usage"]);

  // A stop string ends both before its first character.
  const std::string text = Content(whole);
  const auto ascii = std::find_if(text.begin() + 3, text.end(), [](char c) { return c > 0; });
  ASSERT_NE(ascii, text.end());
  const std::string stop(1, *ascii);
  const std::string before = text.substr(0, text.find(stop));
  const HttpReply cut = Fetch(server.port(), kChat, Chat("The sea", 50, {{"stop", stop}}));
  EXPECT_EQ(Content(cut), before);
  EXPECT_EQ(cut.json()["choices"][0]["finish_reason"], "stop");
  const HttpReply streamed_cut =
      Fetch(server.port(), kChat, Chat("The sea", 50, {{"stop", {stop}}, {"stream", true}}));
  EXPECT_EQ(Streamed(streamed_cut), std::make_pair(before, std::string("stop")));

  // The template's text in a completion of plain text is the same prompt but for its specials.
  const HttpReply plain = Fetch(server.port(), "/v1/completions",
                                R"({"prompt":"abc","max_tokens":4,"logprobs":1,"temperature":0})");
  const int tokens = plain.json()["usage"]["completion_tokens"].get<int>();
  if (plain.json()["choices"][0]["finish_reason"] == "length") {
    EXPECT_EQ(tokens, 4);
  } else {
    EXPECT_LT(tokens, 4);
  }
  EXPECT_GE(Metric(server.port(), "arena_completion_tokens_total"), 50 + 50 + tokens);
  EXPECT_EQ(Metric(server.port(), "arena_sequences_running"), 0);
}

TEST_F(ServeTest, ErrorsHaveTheShapeThatClientsRead) {
  const ServerProgram server(Model(), {"--workers", "1", "--name", "other"});
  ASSERT_TRUE(server.is_ready());
  const int port = server.port();
  const auto expect = [](const HttpReply& reply, int status, const std::string& code) {
    EXPECT_EQ(reply.status, status) << reply.body;
    const Json document = reply.json();
    ASSERT_TRUE(document.contains("error")) << reply.body;
    EXPECT_EQ(document["error"]["code"], code);
    EXPECT_FALSE(document["error"]["message"].get<std::string>().empty());
  };
  expect(Fetch(port, kChat, "{"), 400, "invalid_json");
  expect(Fetch(port, kChat, Chat("x", 0)), 400, "invalid_value");
  expect(Fetch(port, kChat, Chat("x", 1, {{"model", "mini"}})), 404, "model_not_found");
  expect(Fetch(port, kChat, Chat(std::string(20000, 'x'), 1)), 400, "invalid_prompt");
  expect(Fetch(port, "/v1/nothing"), 404, "unknown_url");
  expect(Fetch(port, "/v1/models/mini"), 404, "model_not_found");
  expect(Fetch(port, "/v1/embeddings", R"({"input":""})"), 400, "invalid_value");
  expect(Fetch(port, kChat, std::string((8 << 20) + 1, 'x')), 413, "body_too_long");
  // Without a length, in chunks of 1 MiB that never end.
  std::string chunked =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 12; ++i) chunked += "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
  HttpRequest endless = HttpRequest::Raw(port, chunked);
  EXPECT_TRUE(endless.WaitFor("body_too_long"));
  // It still answers.
  EXPECT_EQ(Fetch(port, kChat, Chat("x", 2, {{"model", "other"}})).status, 200);
  EXPECT_EQ(Fetch(port, "/v1/models").json()["data"][0]["id"], "other");
}

TEST_F(ServeTest, BeyondTheQueueIsRefusedAndLeavingMakesRoom) {
  const std::string endless = Endless();
  ASSERT_NE(endless, "") << "every answer of this model ends by itself";
  const ServerProgram server(Model(), {"--workers", "1", "--max-batch", "1", "--queue", "1"});
  ASSERT_TRUE(server.is_ready());
  const int port = server.port();
  HttpRequest running(port, kChat, Chat(endless, kEndless, {{"stream", true}}));
  ASSERT_TRUE(running.WaitFor("\"content\":\""));
  HttpRequest waiting(port, kChat, Chat(endless, kEndless));
  ASSERT_TRUE(Eventually([&] { return Metric(port, "arena_sequences_waiting") == 1; }));
  const HttpReply refused = Fetch(port, kChat, Chat("c", 1));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.count("retry-after"), 1U);
  EXPECT_EQ(refused.json()["error"]["type"], "rate_limit_error");
  // More than it could ever take is the request's fault.
  EXPECT_EQ(Fetch(port, kChat, Chat("c", 1, {{"n", 3}})).status, 400);
  running.Close();
  waiting.Close();
  EXPECT_TRUE(Eventually([&] { return Metric(port, "arena_sequences_running") == 0; }));
  EXPECT_TRUE(Eventually([&] { return Metric(port, "arena_requests_abandoned_total") == 2; }));
  EXPECT_EQ(Fetch(port, kChat, Chat("c", 1)).status, 200);
}

TEST_F(ServeTest, OnlyTheTokensOwnerIsAnswered) {
  ::setenv("ARENA_SERVE_TEST_TOKEN", "open sesame", 1);
  const ServerProgram server(Model(), {"--workers", "1", "--token-env", "ARENA_SERVE_TEST_TOKEN"});
  ::unsetenv("ARENA_SERVE_TEST_TOKEN");
  ASSERT_TRUE(server.is_ready());
  const int port = server.port();
  EXPECT_EQ(Fetch(port, "/health").status, 200);
  EXPECT_EQ(Fetch(port, "/metrics").status, 401);
  const HttpReply refused =
      Fetch(port, kChat, Chat("x", 1), {{"Authorization", "Bearer open sesamE"}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.json()["error"]["code"], "invalid_api_key");
  EXPECT_EQ(Fetch(port, kChat, Chat("x", 1), {{"Authorization", "Bearer open sesame"}}).status,
            200);
}

TEST_F(ServeTest, OthersCannotReachItWithoutAToken) {
  ::unsetenv("ARENA_TOKEN");
  const ProgramResult open =
      RunArena({"serve", "--model", Model(), "--host", "0.0.0.0", "--port", "0", "--workers", "1"});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, HasSubstr("token"));
  const ProgramResult unset =
      RunArena({"serve", "--model", Model(), "--token-env", "ARENA_NOT_SET_ANYWHERE"});
  EXPECT_EQ(unset.exit_code, 2);
  EXPECT_THAT(unset.err, HasSubstr("ARENA_NOT_SET_ANYWHERE"));
  const ProgramResult nothing = RunArena({"serve", "--model", *folder_ / "nothing"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nothing"));
}

TEST_F(ServeTest, ASignalFinishesWhatIsInFlightAndRefusesTheRest) {
  const std::string endless = Endless();
  ASSERT_NE(endless, "") << "every answer of this model ends by itself";
  ServerProgram server(Model(), {"--workers", "1"});
  ASSERT_TRUE(server.is_ready());
  const int port = server.port();
  HttpRequest running(port, kChat, Chat(endless, kEndless / 4, {{"stream", true}}));
  ASSERT_TRUE(running.WaitFor("\"content\":\""));
  server.Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return Fetch(port, kChat, Chat("b", 1)).status == 503; }));
  const HttpReply reply = running.Finish();
  EXPECT_EQ(Streamed(reply).second, "length");
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(server.Wait(), "exit code 0");
}

TEST_F(ServeTest, WhatIsNotDoneWithinTheGraceIsCancelled) {
  const std::string endless = Endless();
  ASSERT_NE(endless, "") << "every answer of this model ends by itself";
  ServerProgram server(Model(), {"--workers", "1", "--grace", "1"});
  ASSERT_TRUE(server.is_ready());
  HttpRequest stream(server.port(), kChat, Chat(endless, kEndless, {{"stream", true}}));
  ASSERT_TRUE(stream.WaitFor("\"content\":\""));
  HttpRequest whole(server.port(), kChat, Chat(endless, kEndless));
  ASSERT_TRUE(Eventually([&] { return Metric(server.port(), "arena_sequences_running") == 2; }));
  server.Signal(SIGINT);
  const HttpReply reply = stream.Finish();
  EXPECT_EQ(StreamedDocuments(reply.body).back()["error"]["code"], "cancelled");
  EXPECT_EQ(whole.Finish().status, 503);
  EXPECT_EQ(server.Wait(), "exit code 3");
}

TEST_F(ServeTest, AWorkersDeathIsNotSeenByItsClient) {
  const ServerProgram server(Model(), {"--workers", "1"});
  ASSERT_TRUE(server.is_ready());
  const std::string expected = Content(Fetch(server.port(), kChat, Chat("The sea", 800)));
  HttpRequest request(server.port(), kChat, Chat("The sea", 800, {{"stream", true}}));
  ASSERT_TRUE(request.WaitFor("\"content\":\""));
  const std::vector<int> workers = server.workers();
  ASSERT_EQ(workers.size(), 1U);
  ASSERT_EQ(::kill(workers[0], SIGKILL), 0);
  EXPECT_EQ(Streamed(request.Finish()).first, expected);
  EXPECT_EQ(Metric(server.port(), "arena_worker_restarts_total"), 1);
}

}  // namespace
}  // namespace arena
