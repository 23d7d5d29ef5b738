// `arena curate`, `testset` and `score` with moderation, embeddings and raters behind a server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "tests/endpoint/fake_endpoint.h"
#include "tests/integration/program.h"
#include "text/chat_template.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::Lt;
using testing::Not;
using testing::SizeIs;

constexpr const char* kKey = "sk-arena-test-2718281828459045";
constexpr int kPrompts = 240;
constexpr int kViolentEvery = 40;
// Its letters are those of the pool's prompt of number kLeak, in another order.
constexpr int kLeak = 17;

// A prompt whose letters no other has.
std::string Prompt(int number) {
  std::string text = "tell me ";
  for (int letter = 0; letter < 8; ++letter) {
    text += std::string(static_cast<std::size_t>(number >> letter & 1) + 1,
                        static_cast<char>('a' + 3 * letter));
    text += ' ';
  }
  return text + (number % kViolentEvery == 0 ? "of a bomb" : "of peace");
}

std::vector<Json> Rows(const fs::path& file) {
  std::vector<Json> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) rows.push_back(Json::parse(line));
  return rows;
}

class EndpointPoolTest : public testing::Test {
 protected:
  EndpointPoolTest() {
    ::setenv("ARENA_TEST_KEY", kKey, 1);
    std::string pool;
    for (int i = 0; i < kPrompts; ++i) {
      pool += fmt::format("{{\"id\":\"p{}\",\"prompt\":\"{}\"}}\n", i, Prompt(i));
    }
    std::string leak = Prompt(kLeak);
    std::reverse(leak.begin(), leak.end());
    EXPECT_TRUE(WriteFileAtomic(folder_ / "pool.jsonl", pool).ok());
    EXPECT_TRUE(
        WriteFileAtomic(folder_ / "bench.jsonl", fmt::format("{{\"prompt\":\"{}\"}}\n", leak))
            .ok());
  }

  void WriteConfig(const FakeEndpoint& endpoint, int texts_in_request) const {
    const std::string model = fmt::format(R"(base_url = "{}/v1"
api_key_env = "ARENA_TEST_KEY"
max_in_flight = 8
first_byte_timeout_s = 0.5
idle_timeout_s = 0.5
first_backoff_s = 0.01
longest_backoff_s = 0.03
input_usd_per_million = 1
)",
                                          endpoint.url());
    const std::string text = fmt::format(R"([endpoint.fake]
{}
[[contestant]]
name = "critic"
kind = "openai"
endpoint = "fake"
model = "rater-1"
max_tokens = 16
[curate]
inputs = ["pool.jsonl"]
benchmarks = ["bench.jsonl"]
steps = ["unsafe", "neighbours"]
neighbours = 1
shards = 1
[curate.moderation]
endpoint = "fake"
model = "moderator-1"
texts_in_request = {}
[curate.embedding]
endpoint = "fake"
model = "embedder-1"
texts_in_request = {}
)",
                                         model, texts_in_request, texts_in_request);
    ASSERT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
  }

  std::vector<std::string> Curate(const std::string& out) const {
    return {"curate", "-c", folder_ / "arena.toml", "--out", folder_ / out};
  }

  // That the run removed what it should, and nothing else.
  void ExpectRemovals(const std::string& out) const {
    std::set<std::string> violent, leaked;
    for (const Json& row : Rows(folder_.path() / out / "removed.jsonl")) {
      (row.at("step") == "unsafe" ? violent : leaked).insert(row.at("id"));
      if (row.at("step") == "unsafe") {
        EXPECT_EQ(row.at("reason"), "flagged by the moderation: violence");
      } else {
        EXPECT_NEAR(row.at("similarity").get<double>(), 1, 1e-6);
      }
    }
    EXPECT_EQ(violent, std::set<std::string>({"p0", "p40", "p80", "p120", "p160", "p200"}));
    EXPECT_EQ(leaked, std::set<std::string>({fmt::format("p{}", kLeak)}));
  }

  const TemporaryFolder folder_;
};

FakeEndpointOptions Options(double fault_rate) {
  FakeEndpointOptions options;
  options.key = kKey;
  options.fault_rate = fault_rate;
  options.stall = std::chrono::milliseconds(600);
  return options;
}

TEST_F(EndpointPoolTest, FlagsAndLeaksAreFoundThroughFaultsAndNothingIsAskedTwice) {
  const FakeEndpoint endpoint(Options(0.3));
  WriteConfig(endpoint, 7);
  const ProgramResult first = RunArena(Curate("out"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  ExpectRemovals("out");
  EXPECT_THAT(first.err, HasSubstr("moderation: 240 texts asked"));
  // The pool without what is unsafe, the benchmark, and the text that shows the dimensions.
  EXPECT_THAT(first.err, HasSubstr("embeddings: 236 texts asked"));
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);

  const std::int64_t asked = endpoint.received();
  const std::string removed =
      ReadFile(folder_.path() / "out" / "removed.jsonl").value_or("missing");
  fs::remove_all(folder_.path() / "out" / "steps");
  const ProgramResult again = RunArena(Curate("out"));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(endpoint.received(), asked);
  EXPECT_THAT(again.err, HasSubstr("moderation: 0 texts asked, 240 answered before"));
  EXPECT_EQ(ReadFile(folder_.path() / "out" / "removed.jsonl").value_or(""), removed);

  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(ReadFile(entry.path()).value_or(""), Not(HasSubstr(kKey))) << entry.path();
  }
  EXPECT_THAT(first.err + first.out, Not(HasSubstr(kKey)));
}

TEST_F(EndpointPoolTest, AKilledRunGoesOnAndPaysOnce) {
  FakeEndpointOptions options = Options(0);
  options.latency = std::chrono::milliseconds(20);
  const FakeEndpoint endpoint(options);
  WriteConfig(endpoint, 1);
  constexpr int kKills = 3;
  for (int kill = 1; kill <= kKills; ++kill) {
    const pid_t pid = StartArena(Curate("out"));
    while (Running(pid) && endpoint.received() < kill * kPrompts / 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_TRUE(Running(pid));
    ::kill(pid, SIGKILL);
    WaitFor(pid);
  }
  const ProgramResult rest = RunArena(Curate("out"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  ExpectRemovals("out");
  int again = 0;
  for (const auto& [key, count] : endpoint.counts()) again += count.delivered - 1;
  EXPECT_LE(again, kKills * 8) << "more than was on its way at the kills";
}

TEST_F(EndpointPoolTest, ACapOnCostEndsTheRunAndAHigherOneContinuesIt) {
  const FakeEndpoint endpoint(Options(0));
  WriteConfig(endpoint, 4);
  std::vector<std::string> capped = Curate("out");
  capped.insert(capped.end(), {"--max-cost", "0.002"});
  const ProgramResult stopped = RunArena(capped);
  EXPECT_NE(stopped.exit_code, 0);
  EXPECT_THAT(stopped.err, HasSubstr("cap"));
  const std::int64_t asked = endpoint.received();
  EXPECT_THAT(asked, AllOf(Ge(1), Le(kPrompts / 4)));
  const ProgramResult rest = RunArena(Curate("out"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  ExpectRemovals("out");
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
}

TEST_F(EndpointPoolTest, WhatTheServerRefusesIsNamed) {
  const FakeEndpoint endpoint(Options(0));
  WriteConfig(endpoint, 16);
  std::ofstream(folder_ / "pool.jsonl", std::ios::app)
      << fmt::format("{{\"prompt\":\"an endless tale {}\"}}\n", std::string(5000, 'x'));
  const ProgramResult result = RunArena(Curate("out"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("the text that begins \"an endless tale xxx"),
                                HasSubstr("the input is too long")));
  // All others are answered and kept.
  EXPECT_THAT(result.err, HasSubstr("moderation: 240 texts asked"));

  ::setenv("ARENA_TEST_KEY", "sk-another-key", 1);
  const ProgramResult refused = RunArena(Curate("other"));
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("/v1/embeddings: "), HasSubstr("[key]"),
                                 Not(HasSubstr("sk-another-key"))));
}

TEST_F(EndpointPoolTest, ATestSetIsEmbeddedAndRatedByModelsBehindEndpoints) {
  const FakeEndpoint endpoint(Options(0.2));
  WriteConfig(endpoint, 16);
  const std::vector<std::string> command = {"testset",
                                            "--input",
                                            folder_ / "pool.jsonl",
                                            "--out",
                                            folder_ / "test",
                                            "-c",
                                            folder_ / "arena.toml",
                                            "--clusters",
                                            "5",
                                            "--diverse",
                                            "2",
                                            "--candidates",
                                            "10",
                                            "--hard",
                                            "12",
                                            "--rater",
                                            "critic",
                                            "--rater-samples",
                                            "1",
                                            "--json"};
  const ProgramResult made = RunArena(command);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json summary = Json::parse(made.out);
  EXPECT_EQ(summary.at("hard"), 12);
  EXPECT_THAT(summary.at("rater").get<std::string>(), HasSubstr("critic"));
  EXPECT_THAT(ReadFile(folder_.path() / "test/manifest.json").value_or(""),
              HasSubstr("embedder-1"));
  const std::int64_t asked = endpoint.received();
  const std::string mix = ReadFile(folder_.path() / "test/mix.jsonl").value_or("missing");
  ASSERT_EQ(RunArena(command).exit_code, 0);
  EXPECT_EQ(endpoint.received(), asked) << "all was kept";
  EXPECT_EQ(ReadFile(folder_.path() / "test/mix.jsonl").value_or(""), mix);

  const ProgramResult scored =
      RunArena({"score", "--input", folder_ / "pool.jsonl", "--out", folder_ / "scored.jsonl",
                "--add", "difficulty", "--rater", "critic", "--rater-samples", "1", "-c",
                folder_ / "arena.toml", "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_THAT(Rows(folder_.path() / "scored.jsonl"), SizeIs(kPrompts));
  EXPECT_EQ(Json::parse(scored.out).at("columns").at(0).at("rated"), kPrompts);
}

TEST_F(EndpointPoolTest, IfdIsMeasuredByAServerThatTellsLogprobs) {
  const FakeEndpoint endpoint(Options(0.3));
  WriteConfig(endpoint, 16);
  constexpr int kItems = 40;
  std::string pool;
  const auto prompt = [](int i) {
    return fmt::format("say {} twice", std::string(1 + i % 7, 'z'));
  };
  const auto answer = [](int i) { return fmt::format("zz {}", i); };
  for (int i = 0; i < kItems; ++i) {
    pool += fmt::format("{{\"instruction\":\"{}\",\"output\":\"{}\"}}\n", prompt(i), answer(i));
  }
  pool += "{\"instruction\":\"no answer\",\"output\":\"\"}\n";
  pool += fmt::format("{{\"instruction\":\"too long\",\"output\":\"{}\"}}\n",
                      std::string(kFakeLongestText, 'x'));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "answered.jsonl", pool).ok());
  std::vector<std::string> command = {"score",
                                      "--input",
                                      folder_ / "answered.jsonl",
                                      "--out",
                                      folder_ / "ifd.jsonl",
                                      "--add",
                                      "ifd",
                                      "--rater",
                                      "critic",
                                      "-c",
                                      folder_ / "arena.toml"};
  const ProgramResult without = RunArena(command);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("--rater-template"));

  command.insert(command.end(), {"--rater-template", "chatml"});
  const ProgramResult scored = RunArena(command);
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const auto rows = Rows(folder_.path() / "ifd.jsonl");
  ASSERT_THAT(rows, SizeIs(kItems + 2));
  const auto chat_template = ChatTemplate::Named("chatml").value();
  const auto mean = [&](const std::string& asked, const std::string& said) {
    const std::string shown = chat_template.Render({{Role::kUser, asked}})->text;
    const auto logprobs = FakeLogprobs(shown + said);
    return std::accumulate(logprobs.begin() + static_cast<std::ptrdiff_t>(shown.size()),
                           logprobs.end(), 0.0) /
           static_cast<double>(said.size());
  };
  for (int i = 0; i < kItems; ++i) {
    const double expected = std::exp(mean("", answer(i)) - mean(prompt(i), answer(i)));
    EXPECT_NEAR(rows[static_cast<std::size_t>(i)].at("ifd").get<double>(), expected, 1e-9) << i;
  }
  EXPECT_FALSE(rows[kItems].contains("ifd"));
  EXPECT_FALSE(rows[kItems + 1].contains("ifd"));

  // Only what was refused is asked again.
  const auto asked = endpoint.received();
  ASSERT_EQ(RunArena(command).exit_code, 0);
  EXPECT_THAT(endpoint.received() - asked, Lt(asked / 2));
  EXPECT_EQ(Rows(folder_.path() / "ifd.jsonl"), rows);
}

}  // namespace
}  // namespace arena
