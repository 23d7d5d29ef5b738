// Many clients at once: nothing lost, nothing mixed up, memory flat. ARENA_SERVE_SECONDS=60 makes
// it the whole minute.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/program.h"
#include "tests/integration/served_model.h"

namespace arena {
namespace {

constexpr int kClients = 64;
constexpr int kPrompts = 40;
constexpr double kMostDiffering = 0.02;  // near-ties that batch mates decide in another way
constexpr std::int64_t kMostGrowth = 12 << 20;

using Clock = std::chrono::steady_clock;

std::string Body(int prompt, bool stream) {
  return DumpJson(
      {{"messages",
        {{{"role", "user"},
          {"content", fmt::format("Prompt {} of {}", prompt,
                                  std::string(static_cast<std::size_t>(prompt * 3), 'x'))}}}},
       {"max_tokens", 20 + prompt},
       {"temperature", 0},
       {"stream", stream}});
}

// The answer's text; empty: it was not a whole answer.
std::string Ask(int port, int prompt, bool stream) {
  const HttpReply reply = Fetch(port, "/v1/chat/completions", Body(prompt, stream));
  if (reply.status != 200) return "";
  if (!stream) return reply.json()["choices"][0]["message"]["content"].get<std::string>();
  if (!reply.body.ends_with("data: [DONE]\n\n")) return "";
  std::string text;
  for (const Json& chunk : StreamedDocuments(reply.body)) {
    const Json& delta = chunk["choices"][0]["delta"];
    if (delta.contains("content")) text += delta["content"].get<std::string>();
  }
  return text;
}

std::int64_t WorkersBytes(const ServerProgram& server) {
  std::int64_t bytes = 0;
  for (const int pid : server.workers()) bytes += ResidentBytes(pid);
  return bytes;
}

TEST(ServeLoadTest, SixtyFourClientsGetTheirOwnAnswers) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteServedModel(folder / "mini", 512));
  const ServerProgram server(folder / "mini",
                             {"--workers", "2", "--max-batch", "16", "--cache-mb", "64"});
  ASSERT_TRUE(server.is_ready());
  std::vector<std::string> alone;
  for (int i = 0; i < kPrompts; ++i) alone.push_back(Ask(server.port(), i, false));
  ASSERT_EQ(std::count(alone.begin(), alone.end(), ""), 0);

  const char* const seconds = std::getenv("ARENA_SERVE_SECONDS");
  const auto duration = std::chrono::seconds(seconds == nullptr ? 12 : std::atoi(seconds));
  const auto end = Clock::now() + duration;
  std::atomic<int> answers = 0, lost = 0, differing = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int k = 0; Clock::now() < end; ++k) {
        const int prompt = (c * 7 + k) % kPrompts;
        const std::string text = Ask(server.port(), prompt, (c + k) % 2 == 0);
        ++answers;
        lost += text.empty() ? 1 : 0;
        differing += !text.empty() && text != alone[static_cast<std::size_t>(prompt)] ? 1 : 0;
      }
    });
  }
  // Every thread, buffer and cache is in use after a third of the time.
  std::this_thread::sleep_for(duration / 3);
  const std::int64_t server_before = ResidentBytes(server.pid());
  const std::int64_t workers_before = WorkersBytes(server);
  for (std::thread& client : clients) client.join();
  const std::int64_t server_growth = ResidentBytes(server.pid()) - server_before;
  const std::int64_t workers_growth = WorkersBytes(server) - workers_before;

  fmt::print(
      "{} answers, {} lost, {} ({:.2f}%) differ from the single run; memory: server {} KB "
      "{:+} KB, workers {} KB {:+} KB\n",
      answers.load(), lost.load(), differing.load(), 100.0 * differing / answers,
      server_before / 1024, server_growth / 1024, workers_before / 1024, workers_growth / 1024);
  EXPECT_GE(answers, 2 * kClients);
  EXPECT_EQ(lost, 0);
  EXPECT_LE(differing, kMostDiffering * answers);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // A sanitizer keeps what is freed.
  EXPECT_LE(server_growth, kMostGrowth);
  EXPECT_LE(workers_growth, kMostGrowth);
#endif
}

}  // namespace
}  // namespace arena
