// The flywheel over endpoints: the target behind a server that each stage starts, rival and judge
// behind another, and programs of the user's that train.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "tests/endpoint/fake_endpoint.h"
#include "tests/integration/program.h"
#include "tests/integration/served_model.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kInstructions = 40;

class ExternalFlywheelTest : public ::testing::Test {
 protected:
  ExternalFlywheelTest() {
    EXPECT_TRUE(WriteServedModel(folder_ / "base", 256));
    std::string pool;
    std::string test;
    for (int i = 0; i < kInstructions; ++i) {
      pool += fmt::format("{{\"id\":\"p{0}\",\"prompt\":\"Say the number {0}.\"}}\n", i);
      test += fmt::format("{{\"id\":\"t{0}\",\"prompt\":\"Say the number {0}.\"}}\n", 1000 + i);
    }
    // One that the test set asks, too: it must not come into a shard.
    pool += "{\"id\":\"leak\",\"prompt\":\"say the  number 1003.\"}\n";
    EXPECT_TRUE(WriteFileAtomic(folder_ / "pool.jsonl", pool).ok());
    EXPECT_TRUE(WriteFileAtomic(folder_ / "test.jsonl", test).ok());
  }

  // `train` is put in front of the trainer's command, as a shell script's lines.
  void WriteConfig(const FakeEndpoint& endpoint, const std::string& train = "") {
    const std::string script = fmt::format(
        "#!/bin/sh\nset -e\n{}\nexec \"{}\" train \"$ARENA_TRAINER\" --model \"$ARENA_BASE\" "
        "--data "
        "\"$ARENA_DATA\" --out \"$ARENA_OUT\" --template chatml --set steps=2 batch_size=4 "
        "\"$@\"\n",
        train, ARENA_PROGRAM);
    ASSERT_TRUE(WriteFileAtomic(folder_ / "train.sh", script).ok());
    const std::string model = fmt::format(
        "kind = \"openai\"\nbase_url = \"{}/v1\"\nmax_tokens = 256\nfirst_backoff_s = 0.01\n"
        "longest_backoff_s = 0.03\nfirst_byte_timeout_s = 0.5\nidle_timeout_s = 0.5\n",
        endpoint.url());
    const std::string text = fmt::format(
        R"([instructions]
files = ["pool.jsonl"]
[[contestant]]
name = "rival"
model = "rival"
{0}
[judge]
kind = "llm"
[judge.model]
model = "judge-1"
{0}
[flywheel]
base = "base"
test = ["test.jsonl"]
iterations = 1
stages = ["sft", "dpo"]
sft_prompts = 16
dpo_prompts = 16
test_prompts = 12
min_score = 1
own_samples = 0
max_new_tokens = 8
max_failures = 1
[flywheel.trainer]
command = ["sh", "train.sh", "learning_rate=1e-3"]
outputs = ["config.json", "model.safetensors"]
[flywheel.server]
command = ["{1}", "serve", "--model", "{{model}}", "--port", "{{port}}", "--max-batch", "1",
           "--workers", "1"]
base_url = "http://127.0.0.1:{{port}}/v1"
model = "{{name}}"
health = "http://127.0.0.1:{{port}}/health"
)",
        model, ARENA_PROGRAM);
    ASSERT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
  }

  std::vector<std::string> Command(const std::string& folder) const {
    return {"flywheel", "run", "-c", folder_ / "arena.toml", "--workdir", folder_ / folder};
  }
  ProgramResult Run(const std::string& folder) const { return RunArena(Command(folder)); }

  // What must not depend on kills.
  std::map<std::string, std::string> ResultsOf(const std::string& name) const {
    const fs::path folder = folder_.path() / name;
    std::map<std::string, std::string> results;
    for (const char* file : {"leaderboard.json", "lineage.json"}) {
      results[file] = ReadFile(folder / file).value_or("");
    }
    for (const auto& entry : fs::directory_iterator(folder / "data")) {
      results[entry.path().filename()] = ReadFile(entry.path()).value_or("");
    }
    return results;
  }

  const TemporaryFolder folder_;
};

FakeEndpointOptions Faulty() {
  FakeEndpointOptions options;
  options.fault_rate = 0.2;
  options.faults = {EndpointFault::kRateLimited, EndpointFault::kServerError,
                    EndpointFault::kReset};
  return options;
}

bool IsAlive(pid_t pid) { return ::kill(pid, 0) == 0; }

// The process that a record of a running program names; 0: there is no record.
pid_t RecordedPid(const fs::path& record) {
  const auto text = ReadFile(record);
  if (!text.ok()) return 0;
  const auto json = ParseJson(*text);
  return json.ok() ? static_cast<pid_t>(json->value("pid", 0)) : 0;
}

TEST_F(ExternalFlywheelTest, RunsAndGoesOnAfterKills) {
  const FakeEndpoint endpoint(Faulty());
  WriteConfig(endpoint);
  const ProgramResult whole = Run("whole");
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("rival"));
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
  EXPECT_THAT(ReadFile(folder_.path() / "whole/shards/D1.jsonl").value_or("") +
                  ReadFile(folder_.path() / "whole/shards/D2.jsonl").value_or(""),
              testing::Not(HasSubstr("leak")));
  const ProgramResult status =
      RunArena({"flywheel", "status", "--workdir", folder_ / "whole", "--json"});
  std::vector<std::string> stages;
  const Json run = Json::parse(status.out);
  for (const Json& stage : run.at("stages")) stages.push_back(stage.at("name"));
  EXPECT_THAT(stages, ElementsAre("SFT-I0", "SFT-I1", "DPO-I1"));
  const std::int64_t asked = endpoint.received();
  EXPECT_EQ(Run("whole").exit_code, 0);
  EXPECT_EQ(endpoint.received(), asked) << "a finished run asks for nothing";

  // Killed within a training, whose program goes on until the next run ends it.
  const FakeEndpoint second(Faulty());
  WriteConfig(second, "[ -e \"$ARENA_OUT.slept\" ] || { touch \"$ARENA_OUT.slept\"; sleep 60; }");
  const fs::path training = folder_.path() / "killed/checkpoints/SFT-I1.training/running.json";
  pid_t pid = StartArena(Command("killed"));
  while (Running(pid) && RecordedPid(training) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const pid_t left_behind = RecordedPid(training);
  ASSERT_GT(left_behind, 1);
  ::kill(pid, SIGKILL);
  WaitFor(pid);
  EXPECT_TRUE(IsAlive(left_behind));
  // And once within the battles after it, while a server runs.
  const fs::path server = folder_.path() / "killed/servers/SFT-I1.running.json";
  pid = StartArena(Command("killed"));
  while (Running(pid) && RecordedPid(server) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const pid_t left_server = RecordedPid(server);
  ::kill(pid, SIGKILL);
  WaitFor(pid);
  const ProgramResult rest = Run("killed");
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(ResultsOf("killed"), ResultsOf("whole"));
  EXPECT_EQ(RecordedPid(training), 0);
  EXPECT_EQ(RecordedPid(server), 0);
  // What was left behind was ended (whether anyone has waited for it or not).
  for (const pid_t left : {left_behind, left_server}) {
    const auto stat = ReadFile(fmt::format("/proc/{}/stat", left));
    EXPECT_TRUE(!stat.ok() || stat->find(") Z ") != std::string::npos) << *stat;
  }
}

TEST_F(ExternalFlywheelTest, ATrainingThatFailsSaysHowAndEndsTheRun) {
  const FakeEndpoint endpoint(FakeEndpointOptions{});
  WriteConfig(endpoint, "echo out of memory, sorry >&2; exit 7");
  const ProgramResult failed = Run("run");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("exit code 7"));
  EXPECT_THAT(failed.err, HasSubstr("out of memory, sorry"));
  // Mended, the same command goes on, and nothing that was answered is asked again.
  const std::int64_t asked = endpoint.received();
  WriteConfig(endpoint);
  const ProgramResult mended = Run("run");
  EXPECT_EQ(mended.exit_code, 0) << mended.err;
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
  EXPECT_GT(endpoint.received(), asked);
}

// The numbers that a file's prompts say, "Say the number 7.".
std::multiset<int> NumbersIn(const fs::path& file) {
  std::multiset<int> numbers;
  const std::string text = ReadFile(file).value_or("");
  constexpr std::string_view kBefore = "Say the number ";
  for (auto at = text.find(kBefore); at != std::string::npos; at = text.find(kBefore, at + 1)) {
    numbers.insert(std::atoi(text.c_str() + at + kBefore.size()));
  }
  return numbers;
}

TEST_F(ExternalFlywheelTest, TagsOfTheUsersFileChooseWhatIsLearned) {
  const FakeEndpoint endpoint(FakeEndpointOptions{});
  WriteConfig(endpoint);
  std::vector<std::string> command = Command("run");
  for (const std::string& setting :
       {std::string("stages=[\"sft\"]"), std::string("select_by=\"tags\""),
        std::string("select_size=4"), "scores=[\"" + folder_ / "tags.jsonl" + "\"]"}) {
    command.insert(command.end(), {"--set", "flywheel." + setting});
  }
  const ProgramResult without = RunArena(command);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("tags.jsonl"));
  EXPECT_EQ(endpoint.received(), 0) << "it is found before anything is paid for";

  std::string rows;
  for (int i = 0; i < kInstructions; ++i) {
    rows += fmt::format("{{\"prompt\":\"Say the number {0}.\",\"tags\":{0}}}\n", i);
  }
  ASSERT_TRUE(WriteFileAtomic(folder_ / "tags.jsonl", rows).ok());
  const ProgramResult run = RunArena(command);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::multiset<int> shard = NumbersIn(folder_.path() / "run/shards/D1.jsonl");
  ASSERT_EQ(shard.size(), 16U);
  EXPECT_EQ(NumbersIn(folder_.path() / "run/data/SFT-I1.jsonl"),
            std::multiset<int>(std::prev(shard.end(), 4), shard.end()));
}

}  // namespace
}  // namespace arena
