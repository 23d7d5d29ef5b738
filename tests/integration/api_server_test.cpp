// The server within this process, so that ThreadSanitizer sees its threads; the model's are real
// processes of arena-lm.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "server/server.h"
#include "tests/integration/program.h"
#include "tests/integration/served_model.h"

// Debian's cpp-httplib is not instrumented: that another thread sees its function-static strings
// made is invisible to ThreadSanitizer, which then takes sending them for a race.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:libcpp-httplib.so\n"; }

namespace arena {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";

std::string Chat(int i, int max_tokens, bool stream) {
  return DumpJson({{"messages", {{{"role", "user"}, {"content", fmt::format("Prompt {}", i)}}}},
                   {"max_tokens", max_tokens},
                   {"seed", i},
                   {"n", 1 + i % 2},
                   {"stop", i % 3 == 0 ? Json("~") : Json()},
                   {"stream", stream}});
}

class ApiServerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteServedModel(folder_ / "mini", 4096));
    LocalModelOptions options;
    options.pool.model = folder_ / "mini";
    options.pool.workers = 2;
    options.pool.max_batch = 4;
    options.pool.cache_mb = 32;
    auto model = LocalModel::Load(options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(*model);
    ServerOptions server_options;
    server_options.service.model_name = "mini";
    server_options.service.places = 8;
    server_options.service.queue = 8;
    auto server = ApiServer::Start(*model_, clock_, server_options);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }

  const SystemClock clock_;
  const TemporaryFolder folder_;
  std::unique_ptr<LocalModel> model_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiServerTest, EchoTellsTheLogprobsOfAPrompt) {
  const auto reply =
      Fetch(server_->port(), "/v1/completions",
            R"({"prompt":["The sea, the sea","a"],"max_tokens":0,"echo":true,"logprobs":1})")
          .json();
  std::vector<TokenId> tokens = model_->tokenizer().Encode("The sea, the sea");
  if (model_->tokenizer().add_bos()) tokens.insert(tokens.begin(), *model_->tokenizer().bos_id());
  std::promise<Result<std::vector<float>>> promise;
  model_->pool().Score(std::span(tokens).first(1), std::span(tokens).subspan(1),
                       [&](auto logprobs) { promise.set_value(std::move(logprobs)); });
  const auto expected = promise.get_future().get();
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["text"], "The sea, the sea");
  const Json& logprobs = choice["logprobs"]["token_logprobs"];
  ASSERT_EQ(logprobs.size(), tokens.size());
  EXPECT_TRUE(logprobs[0].is_null());
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    EXPECT_NEAR(logprobs[t].get<double>(), static_cast<double>((*expected)[t - 1]), 1e-4);
  }
  EXPECT_EQ(choice["logprobs"]["text_offset"].back(), std::string("The sea, the sea").size() - 1);
  EXPECT_EQ(reply["choices"][1]["text"], "a");
  EXPECT_EQ(reply["usage"]["completion_tokens"], 0);

  const auto refused = [&](const char* body) {
    return Fetch(server_->port(), "/v1/completions", body).status;
  };
  EXPECT_EQ(refused(R"({"prompt":"a","echo":true,"logprobs":1})"), 400);
  EXPECT_EQ(refused(R"({"prompt":"a","echo":true,"max_tokens":0})"), 400);
  EXPECT_EQ(refused(R"({"prompt":"a","max_tokens":0})"), 400);
  EXPECT_EQ(refused(R"({"prompt":"","echo":true,"max_tokens":0,"logprobs":0})"), 400);
}

TEST_F(ApiServerTest, ACrowdThatAsksLeavesAndReadsPages) {
  std::atomic<int> whole = 0, refused = 0, other = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c) {
    clients.emplace_back([&, c] {
      for (int k = 0; k < 6; ++k) {
        const int port = server_->port();
        if (k % 3 == 2) {  // leaves after the first bytes
          HttpRequest request(port, kChat, Chat(c * k, 2000, true));
          request.WaitFor("data: ");
          continue;
        }
        const HttpReply reply = Fetch(port, kChat, Chat(c, 20, k % 2 == 0));
        (reply.status == 200 ? whole : reply.status == 429 ? refused : other) += 1;
        EXPECT_EQ(Fetch(port, "/metrics").status, 200);
        EXPECT_NE(Fetch(port, "/v1/embeddings", R"({"input":["a","bc"]})").status, 500);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(whole, 0);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(whole + refused, 16 * 4);
  EXPECT_TRUE(server_->Stop(std::chrono::seconds(60)));
  EXPECT_EQ(model_->pool().counts().waiting, 0);
}

TEST_F(ApiServerTest, StoppingAmongRequestsAnswersEachOfThem) {
  constexpr int kChoices = 12;  // of eight requests, every second of which asks for two
  const std::int64_t before = model_->pool().counts().finished;
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      HttpRequest request(server_->port(), kChat, Chat(c, 4000, c % 2 == 0));
      const HttpReply reply = request.Finish();
      // Whole, or cut with an error: never a stream that just ends.
      const bool is_stream = reply.status == 200 && c % 2 == 0;
      const bool has_end = reply.body.ends_with("data: [DONE]\n\n") ||
                           reply.body.find("\"error\"") != std::string::npos;
      answered += reply.status == 503 || (is_stream ? has_end : reply.status == 200) ? 1 : 0;
    });
  }
  // All are in flight, however slow the machine is: some ask for several choices.
  const auto asked = [&] {
    const LmPoolCounts counts = model_->pool().counts();
    return counts.waiting + counts.finished - before;
  };
  for (int i = 0; i < 2000 && asked() < kChoices; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  server_->Stop(std::chrono::milliseconds(50));
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 8);
}

}  // namespace
}  // namespace arena
