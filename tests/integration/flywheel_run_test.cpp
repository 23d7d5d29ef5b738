// The closed loop as a user runs it, ended by kills and continued.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kConfig[] = R"(
[judge]
match = "edit"
[flywheel]
iterations = 1
sft_prompts = 48
dpo_prompts = 32
ppo_prompts = 64
test_prompts = 24
min_score = 2
own_samples = 1
families = ["add", "reverse", "uppercase", "plural"]
rivals = ["generalist", "math"]
scale = 0.03
max_new_tokens = 12
[flywheel.training.all]
batch_size = 16
learning_rate = 2e-3
save_every = 5
[flywheel.training.ppo]
steps = 2
rollout_batch = 8
samples_per_prompt = 2
minibatch = 8
max_new_tokens = 12
learning_rate = 1e-4
)";

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What must not depend on kills: the board, the data files and what comes from where.
std::map<std::string, std::string> ResultsOf(const fs::path& folder) {
  std::map<std::string, std::string> results;
  for (const char* name : {"leaderboard.json", "lineage.json"}) {
    results[name] = ReadAll(folder / name);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "data")) {
    results[entry.path().filename().string()] = ReadAll(entry.path());
  }
  return results;
}

class FlywheelTest : public testing::Test {
 protected:
  FlywheelTest() { std::ofstream(folder_ / "arena.toml") << kConfig; }

  std::vector<std::string> Run(const std::string& name) const {
    return {"flywheel", "run", "-c", folder_ / "arena.toml", "--workdir", folder_ / name};
  }

  TemporaryFolder folder_;
};

TEST_F(FlywheelTest, AKilledRunContinuesToTheSameResults) {
  const auto begin = std::chrono::steady_clock::now();
  const ProgramResult whole = RunArena(Run("whole"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("report.html"));
  const auto time = std::chrono::steady_clock::now() - begin;

  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed of the moments " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 3; ++i) {
    // Each life is up to half of a whole run, so that the kills are spread over it.
    const auto life = time * (random() % 1000) / 2000;
    const pid_t pid = StartArena(Run("killed"));
    std::this_thread::sleep_for(life);
    kill(pid, SIGKILL);
    WaitFor(pid);
  }
  const ProgramResult rest = RunArena(Run("killed"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(ResultsOf(folder_.path() / "killed"), ResultsOf(folder_.path() / "whole"));

  const ProgramResult status =
      RunArena({"flywheel", "status", "--workdir", folder_ / "killed", "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  const auto json = nlohmann::json::parse(status.out);
  std::vector<std::string> stages;
  for (const auto& stage : json.at("stages")) {
    stages.push_back(stage.at("name"));
    EXPECT_LE(stage.at("lower"), stage.at("rating"));
    EXPECT_LE(stage.at("rating"), stage.at("upper"));
  }
  EXPECT_THAT(stages, ElementsAre("SFT-I0", "SFT-I1", "DPO-I1", "PPO-I1"));
  double sum = 0;
  for (const auto& rival : json.at("rivals")) sum += rival.at("rating").get<double>();
  EXPECT_NEAR(sum, 2000, 1e-6);
}

TEST_F(FlywheelTest, BaselinesChooseAsManyRowsAsTheyAreTold) {
  for (const std::string rule : {"clusters", "ifd", "tags"}) {
    std::vector<std::string> command = Run(rule);
    for (const std::string& setting :
         {std::string("stages=[\"sft\"]"), std::string("select_size=10"),
          "select_by=\"" + rule + "\"", "cache=\"" + folder_ / "cache" + "\""}) {
      command.insert(command.end(), {"--set", "flywheel." + setting});
    }
    const ProgramResult result = RunArena(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto card =
        nlohmann::json::parse(ReadAll(folder_.path() / rule / "data" / "SFT-I1.card.json"));
    EXPECT_EQ(card.at("settings").at("by"), rule);
    const std::string rows = ReadAll(folder_.path() / rule / "data" / "SFT-I1.jsonl");
    EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 10);
  }
  EXPECT_NE(ReadAll(folder_.path() / "clusters/data/SFT-I1.jsonl"),
            ReadAll(folder_.path() / "ifd/data/SFT-I1.jsonl"));
  EXPECT_NE(ReadAll(folder_.path() / "tags/data/SFT-I1.jsonl"),
            ReadAll(folder_.path() / "ifd/data/SFT-I1.jsonl"));
}

TEST_F(FlywheelTest, OtherSettingsInTheSameFolderAreRefused) {
  fs::create_directories(folder_.path() / "run");
  std::vector<std::string> other = Run("run");
  other.insert(other.end(), {"--set", "flywheel.families=[\"none\"]"});
  EXPECT_EQ(RunArena(other).exit_code, 2);  // begins, and there is no such family
  const ProgramResult result = RunArena(Run("run"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("other settings (families)"));
  // How many failures are borne may change, and a setting that a run was begun without has its
  // default: both go on to where the run failed before.
  other.insert(other.end(), {"--set", "flywheel.max_failures=0.1"});
  EXPECT_THAT(RunArena(other).err, HasSubstr("none"));
  const fs::path manifest = folder_.path() / "run/flywheel.json";
  auto json = nlohmann::ordered_json::parse(ReadFile(manifest).value_or(""));
  ASSERT_EQ(json.at("settings").erase("select_size"), 1U);
  ASSERT_TRUE(WriteFileAtomic(manifest, json.dump()).ok());
  EXPECT_THAT(RunArena(other).err, testing::Not(HasSubstr("other settings")));
}

}  // namespace
}  // namespace arena
