// Contestants and an LLM judge through batch APIs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "tests/endpoint/fake_endpoint.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

constexpr int kInstructions = 30;

class EndpointBatchTest : public ::testing::Test {
 protected:
  EndpointBatchTest() {
    std::string questions;
    for (int i = 0; i < kInstructions; ++i) {
      questions += fmt::format("{{\"id\":\"q{0}\",\"prompt\":\"Say the number {0}.\"}}\n", i);
    }
    EXPECT_TRUE(WriteFileAtomic(folder_ / "questions.jsonl", questions).ok());
  }

  void WriteConfig(const FakeEndpoint& endpoint, const std::string& store, bool batch) {
    const std::string text = fmt::format(
        "[arena]\nstore = \"{1}\"\n[instructions]\nfiles = [\"questions.jsonl\"]\n"
        "[endpoint.fake]\nbase_url = \"{0}\"\nbatch = {2}\nbatch_requests = 50\n"
        "batch_linger_s = 0.2\nbatch_poll_s = 0.05\nmax_tokens = 64\n"
        "first_backoff_s = 0.01\nlongest_backoff_s = 0.03\n"
        "first_byte_timeout_s = 0.5\nidle_timeout_s = 0.5\n"
        "input_usd_per_million = 1\noutput_usd_per_million = 10\n"
        "[[contestant]]\nname = \"alpha\"\nkind = \"openai\"\nendpoint = \"fake\"\n"
        "base_url = \"{0}/v1\"\nmodel = \"alpha\"\n"
        "[[contestant]]\nname = \"beta\"\nkind = \"anthropic\"\nendpoint = \"fake\"\n"
        "model = \"beta\"\n"
        "[judge]\nkind = \"llm\"\n[judge.model]\nkind = \"openai\"\nendpoint = \"fake\"\n"
        "base_url = \"{0}/v1\"\nmodel = \"judge-1\"\n",
        endpoint.url(), store, batch);
    ASSERT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
  }

  Json Battle(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"battle", "-c", folder_ / "arena.toml", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = RunArena(arguments);
    EXPECT_THAT(result.exit_code, testing::AnyOf(0, 3, 130)) << result.err;
    const auto json = ParseJson(result.out);
    return json.ok() ? *json : Json::object();
  }
  std::string Board() const {
    return RunArena({"rank", "-c", folder_ / "arena.toml", "--json"}).out;
  }

  const TemporaryFolder folder_;
};

// Faults of the API itself; those of the requests in a batch are the batches' own.
FakeEndpointOptions Faulty(double rate) {
  FakeEndpointOptions options;
  options.fault_rate = rate;
  options.faults = {EndpointFault::kRateLimited, EndpointFault::kServerError, EndpointFault::kReset,
                    EndpointFault::kInvalidJson};
  return options;
}

TEST_F(EndpointBatchTest, BatchesGiveTheBoardOfSingleRequests) {
  const FakeEndpoint single(Faulty(0));
  WriteConfig(single, "single.db", false);
  Battle();
  const std::string board = Board();

  const FakeEndpoint endpoint(Faulty(0.3));
  WriteConfig(endpoint, "batch.db", true);
  const Json run = Battle();
  EXPECT_EQ(run["battles_finished"], kInstructions);
  EXPECT_EQ(Board(), board);
  EXPECT_GE(endpoint.batches(), 3U);
  EXPECT_GE(endpoint.batch_answers().size(), static_cast<std::size_t>(2 * kInstructions));
  for (const auto& [key, count] : endpoint.batch_answers()) EXPECT_EQ(count, 1);
  EXPECT_GT(run["spent_usd"].get<double>(), 0);
  const std::size_t batches = endpoint.batches();
  Battle();
  EXPECT_EQ(endpoint.batches(), batches) << "a finished run hands nothing in";
}

TEST_F(EndpointBatchTest, AKilledRunCollectsTheBatchesThatItHandedIn) {
  const FakeEndpoint single(Faulty(0));
  WriteConfig(single, "single.db", false);
  Battle();
  const std::string board = Board();

  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "killed.db", true);
  for (const std::size_t batches : {1U, 2U, 3U}) {
    const pid_t pid = StartArena({"battle", "-c", folder_ / "arena.toml"});
    while (Running(pid) && endpoint.batches() < batches) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(pid, SIGKILL);
    WaitFor(pid);
  }
  Battle();
  EXPECT_EQ(Board(), board);
  // Batches are found again even when the kill came before their name was known.
  for (const auto& [key, count] : endpoint.batch_answers()) EXPECT_EQ(count, 1);
}

TEST_F(EndpointBatchTest, ACapHoldsForBatchesToo) {
  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "cap.db", true);
  const Json run = Battle({"--max-cost", "0.02"});
  EXPECT_EQ(run["interrupted"], true);
  EXPECT_THAT(run["stopped"].get<std::string>(), HasSubstr("cap"));
  EXPECT_LE(run["spent_usd"].get<double>(), 0.02);
  Battle();
  for (const auto& [key, count] : endpoint.batch_answers()) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace arena
