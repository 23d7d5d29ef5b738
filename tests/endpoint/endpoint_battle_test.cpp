// `arena battle` with contestants behind a server that fails three times out of ten.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "store/store.h"
#include "tests/endpoint/fake_endpoint.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-arena-test-3141592653589793";
constexpr int kInstructions = 60;
constexpr int kContestants = 3;

class EndpointBattleTest : public ::testing::Test {
 protected:
  EndpointBattleTest() {
    ::setenv("ARENA_TEST_KEY", kKey, 1);
    std::string questions;
    for (int i = 0; i < kInstructions; ++i) {
      questions += fmt::format(
          "{{\"id\":\"q{0}\",\"prompt\":\"Say the number {0}.\",\"reference\":\"{0}\"}}\n", i);
    }
    EXPECT_TRUE(WriteFileAtomic(folder_ / "questions.jsonl", questions).ok());
  }

  /// A configuration with three models, one of each protocol.
  void WriteConfig(const FakeEndpoint& endpoint, const std::string& store,
                   const std::string& more = "") {
    const std::string text = fmt::format(
        "[arena]\nstore = \"{1}\"\n"
        "[instructions]\nfiles = [\"questions.jsonl\"]\n"
        "[endpoint.fake]\nbase_url = \"{0}\"\napi_key_env = \"ARENA_TEST_KEY\"\n"
        "max_in_flight = 24\nmax_tokens = 64\nfirst_byte_timeout_s = 0.3\nidle_timeout_s = 0.3\n"
        "first_backoff_s = 0.01\nlongest_backoff_s = 0.03\n"
        "input_usd_per_million = 1\noutput_usd_per_million = 10\n{2}\n"
        "[[contestant]]\nname = \"alpha\"\nkind = \"openai\"\nendpoint = \"fake\"\n"
        "base_url = \"{0}/v1\"\nmodel = \"alpha\"\ntemperature = 0\n"
        "[[contestant]]\nname = \"beta\"\nkind = \"anthropic\"\nendpoint = \"fake\"\n"
        "model = \"beta\"\n"
        "[[contestant]]\nname = \"gamma\"\nkind = \"ollama\"\nendpoint = \"fake\"\n"
        "model = \"gamma\"\n",
        endpoint.url(), store, more);
    ASSERT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
  }

  ProgramResult Arena(const std::string& command, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {command, "-c", folder_ / "arena.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ProgramResult result = RunArena(arguments);
    said_ += result.out + result.err;
    return result;
  }
  Json Battle(int exit_code, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = Arena("battle", arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto json = ParseJson(result.out);
    return json.ok() ? *json : Json::object();
  }

  /// The key is in no file of the folder and in nothing that was printed.
  void ExpectNoKey() {
    EXPECT_THAT(said_, Not(HasSubstr(kKey)));
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      EXPECT_THAT(ReadFile(entry.path()).value_or(""), Not(HasSubstr(kKey))) << entry.path();
    }
    EXPECT_GE(files, 3);
  }

  const TemporaryFolder folder_;
  std::string said_;
};

std::int64_t Delivered(const FakeEndpoint& endpoint) {
  std::int64_t sum = 0;
  for (const auto& [key, count] : endpoint.counts()) sum += count.delivered;
  return sum;
}

FakeEndpointOptions Faulty(double rate) {
  FakeEndpointOptions options;
  options.fault_rate = rate;
  options.stall = std::chrono::milliseconds(2000);
  options.key = kKey;
  return options;
}

TEST_F(EndpointBattleTest, AtThirtyPercentFaultsNothingIsLostOrAskedForTwice) {
  const FakeEndpoint endpoint(Faulty(0.3));
  WriteConfig(endpoint, "faulty.db");
  const Json run = Battle(0);
  EXPECT_EQ(run["battles"], 3 * kInstructions);
  EXPECT_EQ(run["battles_finished"], 3 * kInstructions);
  EXPECT_EQ(run["failed_answers"], 0);
  const auto expect_each_once = [&] {
    const RequestCounts counts = endpoint.counts();
    EXPECT_EQ(counts.size(), static_cast<std::size_t>(kContestants * kInstructions));
    int faults = 0;
    for (const auto& [key, count] : counts) {
      EXPECT_EQ(count.delivered, 1);
      EXPECT_EQ(count.received, 1 + count.faults);
      faults += count.faults;
    }
    return faults;
  };
  const int faults = expect_each_once();
  EXPECT_GT(faults, kContestants * kInstructions / 5);
  // Each sending is in the ledger.
  std::int64_t attempts = 0;
  for (const Json& line : run["ledger"]) {
    if (!line["judge"].get<bool>()) attempts += line["attempts"].get<std::int64_t>();
  }
  EXPECT_EQ(attempts, kContestants * kInstructions + faults);
  EXPECT_GT(run["spent_usd"].get<double>(), 0);

  const Json again = Battle(0);
  EXPECT_EQ(again["battles_kept"], 3 * kInstructions);
  expect_each_once();

  // The same board as without faults.
  const std::string board = Arena("rank", {"--csv"}).out;
  EXPECT_THAT(board, HasSubstr("alpha"));
  const FakeEndpoint calm(Faulty(0));
  WriteConfig(calm, "calm.db");
  Battle(0);
  EXPECT_EQ(calm.received(), kContestants * kInstructions);
  EXPECT_EQ(Arena("rank", {"--csv"}).out, board);
  ExpectNoKey();
}

TEST_F(EndpointBattleTest, KilledAgainAndAgainItAsksForNothingThatWasCommitted) {
  FakeEndpointOptions options = Faulty(0.3);
  options.latency = std::chrono::milliseconds(40);
  options.faults = {EndpointFault::kRateLimited, EndpointFault::kServerError, EndpointFault::kReset,
                    EndpointFault::kInvalidJson};
  const FakeEndpoint endpoint(options);
  WriteConfig(endpoint, "killed.db");
  constexpr std::int64_t kAnswers = kContestants * kInstructions;
  const auto answers_in_store = [&]() -> std::int64_t {
    const auto store = OpenStore(folder_ / "killed.db", {.read_only = true});
    const auto counts = store.ok() ? (*store)->Counts() : Result<StoreCounts>(store.error());
    return counts.ok() ? counts->answers : 0;
  };
  int kills_within = 0;
  std::int64_t committed = 0;
  for (int k = 0; k < 6; ++k) {
    const pid_t pid =
        StartArena({"battle", "-c", folder_ / "arena.toml", "--set", "battle.batch_ms=20"});
    while (Running(pid) && answers_in_store() < committed + 5) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ::kill(pid, SIGKILL);
    WaitFor(pid);
    committed = answers_in_store();
    kills_within += committed > 0 && committed < kAnswers ? 1 : 0;
  }
  EXPECT_GE(kills_within, 2);
  // The server has seen the killed program's connections close.
  std::this_thread::sleep_for(options.latency * 5);
  const std::int64_t before = Delivered(endpoint);
  Battle(0);
  EXPECT_EQ(Delivered(endpoint) - before, kAnswers - committed);
  const std::string board = Arena("rank", {"--csv"}).out;
  const FakeEndpoint calm(Faulty(0));
  WriteConfig(calm, "uninterrupted.db");
  Battle(0);
  EXPECT_EQ(Arena("rank", {"--csv"}).out, board);
}

TEST_F(EndpointBattleTest, CutAnswersFailWithTheirCauseAndAreNoTies) {
  FakeEndpointOptions options = Faulty(0.3);
  options.cut_rate = 0.2;
  const FakeEndpoint endpoint(options);
  WriteConfig(endpoint, "cut.db");
  const Json run = Battle(3);
  EXPECT_EQ(run["battles_finished"], 3 * kInstructions) << "void battles are finished";
  EXPECT_GT(run["failed_answers"], kInstructions / 4);
  EXPECT_THAT(run["failures"][0].get<std::string>(), HasSubstr("cut off at the limit of tokens"));
  const std::int64_t delivered = Delivered(endpoint);
  EXPECT_EQ(delivered, kContestants * kInstructions);
  Battle(3);
  EXPECT_EQ(Delivered(endpoint), delivered) << "what failed is asked for again only when told to";
  Battle(3, {"--retry-errors"});
  EXPECT_EQ(Delivered(endpoint), delivered + run["failed_answers"].get<std::int64_t>());
}

TEST_F(EndpointBattleTest, AWrongKeyQuarantinesTheEndpointAndIsNotShown) {
  FakeEndpointOptions options = Faulty(0);
  options.key = "another";
  const FakeEndpoint endpoint(options);
  WriteConfig(endpoint, "wrong.db", "quarantine_after = 5");
  const Json run = Battle(3);
  EXPECT_EQ(run["failed_answers"], kContestants * kInstructions);
  EXPECT_LE(endpoint.received(), kContestants * (5 + 24));
  EXPECT_THAT(run["failures"].dump(), HasSubstr("HTTP 401: Incorrect API key provided: [key]"));
  ExpectNoKey();
  EXPECT_EQ(Arena("doctor").exit_code, 0);

  // With the right key what was never asked for is asked for without further ado.
  const FakeEndpoint right(Faulty(0));
  WriteConfig(right, "wrong.db");
  Battle(3);
  EXPECT_EQ(right.received(), kContestants * kInstructions - endpoint.received());
  EXPECT_EQ(Battle(0, {"--retry-errors"})["failed_answers"], 0);
}

TEST_F(EndpointBattleTest, AMissingKeyIsAnErrorBeforeAnythingIsAsked) {
  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "none.db");
  ::unsetenv("ARENA_TEST_KEY");
  const ProgramResult result = Arena("battle");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("ARENA_TEST_KEY"));
  EXPECT_EQ(endpoint.received(), 0);
}

TEST_F(EndpointBattleTest, ACapOnCostStopsTheRunAndTheNextOneContinues) {
  const FakeEndpoint endpoint(Faulty(0.3));
  WriteConfig(endpoint, "cap.db");
  // A request costs at most about 0.0008 dollars, and about 0.0001.
  const Json run = Battle(130, {"--max-cost", "0.02"});
  EXPECT_EQ(run["interrupted"], true);
  EXPECT_THAT(run["stopped"].get<std::string>(), HasSubstr("cap"));
  EXPECT_LE(run["spent_usd"].get<double>(), 0.02);
  EXPECT_GT(run["spent_usd"].get<double>(), 0.01);
  EXPECT_LT(endpoint.received(), kContestants * kInstructions);
  Battle(0);
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
}

TEST_F(EndpointBattleTest, ADryRunAsksForNothingAndSaysWhatARunWould) {
  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "dry.db");
  const Json plan = Battle(0, {"--dry-run"});
  EXPECT_EQ(endpoint.received(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "dry.db"));
  EXPECT_EQ(plan["calls"], kContestants * kInstructions);
  EXPECT_EQ(plan["battles"], 3 * kInstructions);
  EXPECT_EQ(plan["games_at_most"], 2 * 3 * kInstructions);
  const double most = plan["cost_usd_at_most"].get<double>();
  Battle(0);
  EXPECT_EQ(endpoint.received(), kContestants * kInstructions);
  const Json nothing = Battle(0, {"--dry-run"});
  EXPECT_EQ(nothing["calls"], 0);
  EXPECT_EQ(nothing["games_at_most"], 0);
  const Json ledger = *ParseJson(Arena("show", {"--ledger", "--json"}).out);
  double cost = 0;
  for (const Json& line : ledger["ledger"]) cost += line["cost_usd"].get<double>();
  EXPECT_GT(cost, 0);
  EXPECT_LE(cost, most);
}

}  // namespace
}  // namespace arena
