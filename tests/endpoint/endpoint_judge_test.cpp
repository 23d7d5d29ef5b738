// LLM judges behind a server that fails three times out of ten and says its verdicts in every way.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "store/store.h"
#include "tests/endpoint/fake_endpoint.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kArenaHard = fs::path(ARENA_SOURCE_DIR) / ".." / "shared/data/arena-hard-v0.1";

// ARENA_JUDGE_KILLS and ARENA_JUDGE_SAMPLE in the environment make a longer check of it.
int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

class EndpointJudgeTest : public ::testing::Test {
 protected:
  // Three recorded contestants of arena-hard v0.1; where it is not there, three of our own.
  void WriteRecorded() {
    constexpr const char* kNames[] = {"gpt-3.5-turbo-0125", "gpt-4-0314", "gpt-4-0613"};
    if (fs::exists(kArenaHard / "question.jsonl")) {
      arena_ = fmt::format("[instructions]\nformat = \"arena-hard\"\nfiles = [\"{}\"]\n",
                           (kArenaHard / "question.jsonl").string());
      if (sample_ > 0) arena_ += fmt::format("sample = {}\n", sample_);
      for (const char* name : kNames) {
        arena_ +=
            fmt::format("[[contestant]]\nname = \"{}\"\nformat = \"arena-hard\"\nfile = \"{}\"\n",
                        name, (kArenaHard / "model_answer" / name).string() + ".jsonl");
      }
      return;
    }
    std::string questions;
    std::string answers;
    for (int i = 0; i < sample_; ++i) {
      questions += fmt::format("{{\"id\":\"q{0}\",\"prompt\":\"Say {0}.\"}}\n", i);
      for (const char* name : kNames) {
        answers += fmt::format(
            "{{\"id\":\"q{0}\",\"model\":\"{1}\",\"answer\":\"{1} says {2}\"}}\n", i, name, i * i);
      }
    }
    ASSERT_TRUE(WriteFileAtomic(folder_ / "questions.jsonl", questions).ok());
    ASSERT_TRUE(WriteFileAtomic(folder_ / "answers.jsonl", answers).ok());
    arena_ = "[instructions]\nfiles = [\"questions.jsonl\"]\n";
    for (const char* name : kNames) {
      arena_ += fmt::format("[[contestant]]\nname = \"{}\"\nfile = \"answers.jsonl\"\n", name);
    }
  }

  void WriteConfig(const FakeEndpoint& endpoint, const std::string& store,
                   const std::string& judge = "") {
    const std::string text = fmt::format(
        "[arena]\nstore = \"{}\"\n{}[judge]\nkind = \"llm\"\nname = \"judge\"\n{}[judge.model]\n"
        "kind = \"openai\"\nbase_url = \"{}/v1\"\nmodel = \"judge-1\"\nmax_tokens = 512\n"
        "max_in_flight = 48\nfirst_byte_timeout_s = 1\nidle_timeout_s = 1\n"
        "first_backoff_s = 0.01\nlongest_backoff_s = 0.03\n"
        "input_usd_per_million = 1\noutput_usd_per_million = 10\n",
        store, arena_, judge, endpoint.url());
    ASSERT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
  }

  Json Battle() const {
    const ProgramResult result = RunArena({"battle", "-c", folder_ / "arena.toml", "--json"});
    EXPECT_THAT(result.exit_code, testing::AnyOf(0, 3)) << result.err;
    const auto json = ParseJson(result.out);
    return json.ok() ? *json : Json::object();
  }
  std::string Board() const {
    return RunArena({"rank", "-c", folder_ / "arena.toml", "--json"}).out;
  }

  const int sample_ = FromEnvironment("ARENA_JUDGE_SAMPLE", 60);
  const TemporaryFolder folder_;
  std::string arena_;
};

FakeEndpointOptions Faulty(double rate) {
  FakeEndpointOptions options;
  options.fault_rate = rate;
  options.stall = std::chrono::milliseconds(4000);
  return options;
}

std::int64_t Delivered(const FakeEndpoint& endpoint) {
  std::int64_t sum = 0;
  for (const auto& [key, count] : endpoint.counts()) sum += count.delivered;
  return sum;
}

struct GameCounts {
  int games = 0;
  int ties = 0;
  int voids = 0;
};

// The rows of `arena export`.
std::vector<Json> Battles(const fs::path& config) {
  const ProgramResult exported = RunArena({"export", "-c", config, "--format", "jsonl"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  std::vector<Json> rows;
  std::istringstream lines(exported.out);
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  return rows;
}

// Every game has the scores that the judge gave its answers, or is void with a cause.
GameCounts CheckGames(const fs::path& config) {
  GameCounts counts;
  for (const Json& battle : Battles(config)) {
    for (const Json& game : battle.at("games")) {
      ++counts.games;
      if (game.value("void", false)) {
        ++counts.voids;
        EXPECT_THAT(game.value("void_cause", ""), testing::AnyOf("length", "unparsable"));
        continue;
      }
      const auto score_a = game.at("score_a").get<double>();
      const auto score_b = game.at("score_b").get<double>();
      EXPECT_EQ(score_a, FakeScore(battle.at("answer_a").get<std::string>()));
      EXPECT_EQ(score_b, FakeScore(battle.at("answer_b").get<std::string>()));
      if (score_a == score_b) ++counts.ties;
    }
  }
  return counts;
}

TEST_F(EndpointJudgeTest, EveryGameEndsAsTheJudgeSaidOrVoidWithItsCause) {
  WriteRecorded();
  const FakeEndpoint endpoint(Faulty(0.3));
  WriteConfig(endpoint, "faulty.db");
  const Json run = Battle();
  const auto battles = run["battles"].get<std::int64_t>();
  EXPECT_EQ(run["battles_finished"], battles);
  const GameCounts counts = CheckGames(folder_ / "arena.toml");
  EXPECT_EQ(counts.games, 2 * battles);
  EXPECT_EQ(run["failed_games"], counts.voids);
  // One in sixteen is cut, and of those without a verdict one in four stays so.
  EXPECT_NEAR(counts.voids / static_cast<double>(counts.games), 0.06 + 0.14 / 4, 0.06);
  EXPECT_LT(counts.ties, counts.games / 8) << "one in nineteen by chance";
  std::int64_t received = 0;
  for (const auto& [key, count] : endpoint.counts()) {
    EXPECT_EQ(count.delivered, 1) << "no complete reply is asked for again";
    EXPECT_EQ(count.received, 1 + count.faults);
    received += count.received;
  }
  std::int64_t attempts = 0;
  for (const Json& line : run["ledger"]) {
    if (line["judge"].get<bool>()) attempts += line["attempts"].get<std::int64_t>();
  }
  // Each sending is in the ledger, and perhaps one that a busy machine ended before it was there.
  EXPECT_GE(attempts, received);
  EXPECT_LE(attempts, received + received / 50);

  const std::int64_t delivered = Delivered(endpoint);
  Battle();
  EXPECT_EQ(Delivered(endpoint), delivered) << "the second run asks for nothing";

  const std::string board = Board();
  const FakeEndpoint calm(Faulty(0));
  WriteConfig(calm, "calm.db");
  Battle();
  EXPECT_EQ(Board(), board) << "faults change nothing in the board";
}

TEST_F(EndpointJudgeTest, WithASchemaEveryVerdictIsRead) {
  WriteRecorded();
  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "schema.db", "json = true\nschema = true\n");
  const Json run = Battle();
  EXPECT_EQ(run["failed_games"], 0);
  EXPECT_EQ(CheckGames(folder_ / "arena.toml").voids, 0);
}

TEST_F(EndpointJudgeTest, ADryRunSaysWhatTheJudgeCostsAtMost) {
  WriteRecorded();
  const FakeEndpoint endpoint(Faulty(0));
  WriteConfig(endpoint, "dry.db");
  const ProgramResult dry =
      RunArena({"battle", "-c", folder_ / "arena.toml", "--dry-run", "--json"});
  ASSERT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_EQ(endpoint.received(), 0);
  const Json plan = Json::parse(dry.out);
  EXPECT_EQ(plan["judge"]["calls"], plan["games_at_most"]);
  EXPECT_EQ(plan["contestants"]["calls"], 0);
  const Json run = Battle();
  const auto spent = run["spent_usd"].get<double>();
  const auto most = plan["cost_usd_at_most"].get<double>();
  EXPECT_GT(spent, 0);
  EXPECT_LE(spent, most);
  const auto prompt = plan["judge"]["prompt_tokens"].get<double>();
  std::int64_t prompt_tokens = 0;
  for (const Json& line : run["ledger"]) prompt_tokens += line["prompt_tokens"].get<std::int64_t>();
  EXPECT_NEAR(static_cast<double>(prompt_tokens) / prompt, 1, 0.35) << "repairs come on top";
}

TEST_F(EndpointJudgeTest, KilledAgainAndAgainItLosesNothingAndPaysOnce) {
  WriteRecorded();
  FakeEndpointOptions options = Faulty(0.3);
  options.latency = std::chrono::milliseconds(20);
  options.faults = {EndpointFault::kRateLimited, EndpointFault::kServerError, EndpointFault::kReset,
                    EndpointFault::kInvalidJson};
  const FakeEndpoint calm(Faulty(0));
  WriteConfig(calm, "uninterrupted.db");
  const auto games = 2 * Battle()["battles"].get<std::int64_t>();
  const std::string board = Board();

  const FakeEndpoint endpoint(options);
  WriteConfig(endpoint, "killed.db");
  const auto games_in_store = [&]() -> std::int64_t {
    const auto store = OpenStore(folder_ / "killed.db", {.read_only = true});
    const auto counts = store.ok() ? (*store)->Counts() : Result<StoreCounts>(store.error());
    return counts.ok() ? counts->games : 0;
  };
  const int kills = FromEnvironment("ARENA_JUDGE_KILLS", 5);
  const std::int64_t span = games * 8 / 10 / kills;  // committed between two kills
  std::mt19937 random(7);
  std::int64_t committed = 0;
  int within = 0;
  std::int64_t paid_twice = 0;  // at most what was not committed at a kill
  for (int k = 0; k < kills; ++k) {
    const std::int64_t delivered_before = Delivered(endpoint);
    const pid_t pid = StartArena({"battle", "-c", folder_ / "arena.toml", "--set",
                                  "battle.batch_ms=10", "--set", "battle.batch_rows=8"});
    const std::int64_t until =
        committed + 1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(span));
    while (Running(pid) && games_in_store() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(pid, SIGKILL);
    WaitFor(pid);
    const std::int64_t now = games_in_store();
    within += now > 0 && now < games ? 1 : 0;
    EXPECT_GE(now, committed);
    committed = now;
    std::this_thread::sleep_for(options.latency * 3);  // the server sees the connections close
    paid_twice += Delivered(endpoint) - delivered_before;
  }
  EXPECT_EQ(within, kills) << "each kill is between the first and the last commit";
  const std::int64_t before = Delivered(endpoint);
  Battle();
  const std::int64_t last = Delivered(endpoint) - before;
  EXPECT_EQ(Board(), board);
  // A game is one request or, with a repair, two; what was in flight at a kill comes on top.
  const auto once = static_cast<std::int64_t>(endpoint.counts().size());
  EXPECT_LE(paid_twice + last - once, kills * 48 * 2) << "sent again: more than was in flight";
  RecordProperty("kills", kills);
}

TEST_F(EndpointJudgeTest, TwoTurnQuestionsArePlayedAndJudgedTurnByTurn) {
  const fs::path questions =
      fs::path(ARENA_SOURCE_DIR) / ".." / "shared/data/mt-bench/question.jsonl";
  if (!fs::exists(questions)) GTEST_SKIP() << questions << " is not there";
  const FakeEndpoint endpoint(Faulty(0.3));
  arena_ =
      fmt::format("[instructions]\nformat = \"fastchat\"\nfiles = [\"{}\"]\n", questions.string());
  for (const char* name : {"alpha", "beta"}) {
    arena_ += fmt::format(
        "[[contestant]]\nname = \"{0}\"\nkind = \"openai\"\nbase_url = \"{1}/v1\"\nmodel = "
        "\"{0}\"\n"
        "max_tokens = 512\nstream = true\nmax_in_flight = 48\nfirst_byte_timeout_s = 1\n"
        "idle_timeout_s = 1\nfirst_backoff_s = 0.01\nlongest_backoff_s = 0.03\n",
        name, endpoint.url());
  }
  WriteConfig(endpoint, "mt.db");
  const Json run = Battle();
  EXPECT_EQ(run["battles_finished"], 80);
  EXPECT_EQ(run["failed_answers"], 0);
  for (const Json& battle : Battles(folder_ / "arena.toml")) {
    EXPECT_EQ(battle.at("turns_a").size(), 2U);
    EXPECT_EQ(battle.at("turns_b").size(), 2U);
    EXPECT_EQ(battle.at("games").size(), 2U);
  }
}

}  // namespace
}  // namespace arena
