// `arena train` as a user meets it, with a trainer that learns nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/token_data.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kChats =
    R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]})"
    "\n"
    R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":""}]})"
    "\n"
    R"({"instruction":"say","output":"it"})"
    "\n";
constexpr const char* kPairs = R"({"prompt":"hi","chosen":"yes","rejected":"no","margin":0.5})"
                               "\n";

class TrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ProgramResult made =
        RunArena({"model", "new", "--shape", "mini", "--dtype", "f32", "--out", folder_ / "model"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    Write("chats.jsonl", kChats);
    Write("pairs.jsonl", kPairs);
  }

  void Write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, content).ok());
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  Json ReadJson(const std::string& name) const {
    return ParseJson(ReadFile(folder_ / name).value_or("")).value_or(Json());
  }
  std::vector<std::string> Arguments(const std::string& trainer, const std::string& data,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"train",  trainer,        "--model", folder_ / "model",
                                          "--data", folder_ / data, "--out",   folder_ / "out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  ProgramResult Sft(const std::vector<std::string>& more = {}) const {
    return RunArena(Arguments("sft", "chats.jsonl", more));
  }

  TemporaryFolder folder_;
};

TEST_F(TrainTest, TheResultIsAModelWithItsTokenizer) {
  const ProgramResult trained = Sft({"--set", "steps=3", "--set", "learning_rate=1e-3"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out,
              AllOf(HasSubstr("2 examples of 3 rows"), HasSubstr("1 left out (1 empty)"),
                    HasSubstr("chats.jsonl:2: an answer is empty"), HasSubstr("3 steps in 3 s"),
                    HasSubstr("loss 0.3333"), HasSubstr("eval_loss 0.5")));
  EXPECT_THAT(trained.err, HasSubstr("warning: this trainer learns nothing"));
  const ProgramResult info = RunArena({"model", "info", folder_ / "out", "--json"});
  EXPECT_EQ(ParseJson(info.out).value_or(Json())["tokens"], 512);
  EXPECT_EQ(ParseJson(info.out).value_or(Json())["chat_template"], true);

  const Json job = ReadJson("out/job.json");
  EXPECT_EQ(job["trainer"], "sft");
  EXPECT_EQ(job["model"], folder_ / "model");
  EXPECT_EQ(job["out"], folder_ / "out");
  EXPECT_EQ(job["settings"], (Json{{"steps", "3"}, {"learning_rate", "1e-3"}}));
  EXPECT_EQ(job.size(), 5U);
  const auto data = ReadTokenData(job["data"].get<std::string>());
  ASSERT_TRUE(data.ok()) << data.error().message;
  EXPECT_THAT(data->rows, ::testing::ElementsAre(1, 3));
}

TEST_F(TrainTest, JsonIsOneDocument) {
  const ProgramResult trained =
      Sft({"--json", "--eval-data", folder_ / "chats.jsonl", "--set", "steps=2"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.err, "");
  const Json json = ParseJson(trained.out).value_or(Json());
  EXPECT_EQ(json["trainer"], "sft");
  EXPECT_EQ(json["step"], 2);
  EXPECT_EQ(json["interrupted"], false);
  EXPECT_EQ(json["last_step"]["loss"], 0.5);
  EXPECT_EQ(json["start"]["ranks"], 1);
  EXPECT_EQ(json["data"]["examples"], 2);
  EXPECT_EQ(json["data"]["empty"], 1);
  EXPECT_EQ(json["eval_data"]["examples"], 2);
  EXPECT_THAT(json["warnings"], Contains("this trainer learns nothing"));
  EXPECT_EQ(ReadJson("out/job.json")["eval_data"], folder_ / "out/data/eval_data.safetensors");
}

TEST_F(TrainTest, TheSameTrainingContinuesAndAnotherIsRefused) {
  ASSERT_EQ(Sft({"--set", "steps=2"}).exit_code, 0);
  const ProgramResult again = Sft({"--set", "steps=2", "--json"});
  EXPECT_EQ(ParseJson(again.out).value_or(Json())["start"]["resumed"], true) << again.err;

  const ProgramResult other = Sft({"--set", "steps=3"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("holds another training: steps was 2 and is 3; take another"));
  const ProgramResult wrong_data = RunArena(Arguments("dpo", "pairs.jsonl", {"--set", "steps=2"}));
  EXPECT_EQ(wrong_data.exit_code, 2);
  EXPECT_THAT(wrong_data.err, HasSubstr("the trainer was sft and is dpo, another data"));

  const ProgramResult anew = Sft({"--set", "steps=3", "--overwrite", "--json"});
  ASSERT_EQ(anew.exit_code, 0) << anew.err;
  EXPECT_EQ(ParseJson(anew.out).value_or(Json())["start"]["resumed"], false);
}

TEST_F(TrainTest, AFolderOfOthersIsLeftAlone) {
  const ProgramResult itself = RunArena({"train", "sft", "--model", folder_ / "model", "--data",
                                         folder_ / "chats.jsonl", "--out", folder_ / "model"});
  EXPECT_EQ(itself.exit_code, 2);
  EXPECT_THAT(itself.err, HasSubstr("is the model itself"));
  std::filesystem::copy(folder_ / "model", folder_ / "out");
  const ProgramResult other = Sft();
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("holds a config.json that is not of this training"));
}

TEST_F(TrainTest, WhatTheTrainerSaysOfSettingsIsAUsageError) {
  const ProgramResult wrong = Sft({"--set", "lerning_rate=1"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("unknown setting lerning_rate"));
  EXPECT_EQ(Sft({"--set", "learning_rate=1"}).exit_code, 0);  // nothing had begun
  for (const char* setting : {"steps", "=3", "max_tokens=0", "max_tokens=many"}) {
    const ProgramResult result = Sft({"--set", setting});
    EXPECT_EQ(result.exit_code, 2) << setting;
    EXPECT_THAT(result.err, HasSubstr("--set")) << setting;
  }
  EXPECT_THAT(Sft({"--set", "steps=1", "--set", "steps=2"}).err, HasSubstr("is there twice"));
}

TEST_F(TrainTest, TooLongRowsAreListedCutOrAnError) {
  Write("chats.jsonl", std::string(kChats) + R"({"text":")" + std::string(60, 'x') + "\"}\n");
  const ProgramResult skipped = Sft({"--set", "max_tokens=50"});
  ASSERT_EQ(skipped.exit_code, 0) << skipped.err;
  EXPECT_THAT(skipped.out, HasSubstr("chats.jsonl:4: 61 tokens, and at most 50 are allowed"));
  const ProgramResult cut =
      Sft({"--set", "max_tokens=50", "--too-long", "cut", "--overwrite", "--json"});
  EXPECT_EQ(ParseJson(cut.out).value_or(Json())["data"]["cut"], 1) << cut.err;
  const ProgramResult refused = Sft({"--set", "max_tokens=50", "--too-long", "error"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("chats.jsonl:4: 61 tokens"));
  const ProgramResult nothing = Sft({"--set", "max_tokens=5"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("there is nothing to train on: 4 rows were read"));
}

TEST_F(TrainTest, AFailureIsToldWithTheTrainersWords) {
  const ProgramResult failed = Sft({"--set", "fail_at=3"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("the loss is NaN at this step"));
  EXPECT_EQ(failed.out, "");
}

TEST_F(TrainTest, ADeathIsToldWithTheRankAndItsLastWords) {
  const ProgramResult alone = Sft({"--set", "die_at=2"});
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.err, HasSubstr("the training failed after step 1: rank 0: signal 9 (Killed): "
                                   "these are my last words"));
  ASSERT_TRUE(std::filesystem::remove_all(folder_ / "out") > 0);
  const ProgramResult together =
      Sft({"--workers", "2", "--set", "die_at=2", "--set", "die_rank=1", "--set", "step_ms=50"});
  EXPECT_EQ(together.exit_code, 1);
  EXPECT_THAT(together.err,
              HasSubstr("rank 1: signal 9 (Killed): these are my last words; rank 0: exit code 1: "
                        "another rank is gone"));
}

TEST_F(TrainTest, WorkersMeetOnTheLoopbackAddress) {
  const ProgramResult trained = Sft({"--workers", "2", "--json"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(ParseJson(trained.out).value_or(Json())["start"]["ranks"], 2);
  const Json first = ReadJson("out/environment-0.json");
  const Json second = ReadJson("out/environment-1.json");
  EXPECT_EQ(first["RANK"], "0");
  EXPECT_EQ(second["RANK"], "1");
  EXPECT_EQ(second["WORLD_SIZE"], "2");
  EXPECT_EQ(second["MASTER_ADDR"], "127.0.0.1");
  EXPECT_EQ(first["MASTER_PORT"], second["MASTER_PORT"]);
  EXPECT_GT(std::stoi(second["MASTER_PORT"].get<std::string>()), 0);
}

/// Variables of the environment for as long as it lives.
class Variables {
 public:
  explicit Variables(std::map<std::string, std::string> values) : values_(std::move(values)) {
    for (const auto& [name, value] : values_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;
  ~Variables() {
    for (const auto& [name, value] : values_) ::unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::string> values_;
};

TEST_F(TrainTest, ALaunchersRankTrainsAlone) {
  {
    const Variables rank({{"RANK", "1"},
                          {"WORLD_SIZE", "2"},
                          {"MASTER_ADDR", "10.0.0.1"},
                          {"MASTER_PORT", "29500"}});
    const ProgramResult second = Sft();
    ASSERT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(second.out, "");
    EXPECT_EQ(ReadJson("out/environment-1.json")["MASTER_ADDR"], "10.0.0.1");
    EXPECT_TRUE(Exists("out/data/rank-1/data.safetensors"));
    EXPECT_FALSE(Exists("out/job.json"));
    EXPECT_EQ(Sft({"--workers", "2"}).exit_code, 2);
    EXPECT_EQ(Sft({"--overwrite"}).exit_code, 2);
  }
  {
    const Variables rank({{"RANK", "0"}, {"WORLD_SIZE", "2"}});
    const ProgramResult first = Sft({"--json"});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(ParseJson(first.out).value_or(Json())["start"]["ranks"], 2);
  }
  const Variables rank(std::map<std::string, std::string>{{"RANK", "2"}});
  EXPECT_THAT(Sft().err, HasSubstr("of RANK and WORLD_SIZE only one is in the environment"));
}

TEST_F(TrainTest, CtrlCSavesAndTheSameCommandContinues) {
  const std::vector<std::string> arguments = Arguments(
      "sft", "chats.jsonl", {"--workers", "2", "--set", "steps=200", "--set", "step_ms=20"});
  const pid_t pid = StartArena(arguments);
  for (int i = 0; i < 500 && !Exists("out/metrics.jsonl"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(pid, SIGINT);
  EXPECT_EQ(WaitFor(pid), 130);
  EXPECT_TRUE(Exists("out/checkpoints"));
  EXPECT_FALSE(Exists("out/model.safetensors"));
  std::vector<std::string> again = arguments;
  again.push_back("--json");
  const ProgramResult continued = RunArena(again);
  ASSERT_EQ(continued.exit_code, 0) << continued.err;
  const Json json = ParseJson(continued.out).value_or(Json());
  EXPECT_EQ(json["start"]["resumed"], true);
  EXPECT_EQ(json["step"], 200);
}

TEST_F(TrainTest, RewardModelsServePpo) {
  const std::string reward = folder_ / "reward";
  const ProgramResult made = RunArena({"train", "rm", "--model", folder_ / "model", "--data",
                                       folder_ / "pairs.jsonl", "--out", reward});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("arena train ppo --reward-model"));
  const std::vector<std::string> more = {"--reward-model", reward, "--ptx-data",
                                         folder_ / "chats.jsonl"};
  const ProgramResult ppo = RunArena(Arguments("ppo", "pairs.jsonl", more));
  ASSERT_EQ(ppo.exit_code, 0) << ppo.err;
  const Json job = ReadJson("out/job.json");
  EXPECT_EQ(job["reward_model"], reward);
  const auto prompts = ReadTokenData(job["data"].get<std::string>());
  ASSERT_TRUE(prompts.ok());
  EXPECT_THAT(prompts->loss, Not(Contains(1)));
  const auto replay = ReadTokenData(job["ptx_data"].get<std::string>());
  ASSERT_TRUE(replay.ok());
  EXPECT_THAT(replay->loss, Contains(1));

  const ProgramResult no_reward_model =
      RunArena(Arguments("ppo", "pairs.jsonl", {"--reward-model", folder_ / "model"}));
  EXPECT_EQ(no_reward_model.exit_code, 2);
  EXPECT_THAT(no_reward_model.err, HasSubstr("is no reward model"));
  const ProgramResult no_policy = RunArena({"train", "sft", "--model", reward, "--data",
                                            folder_ / "chats.jsonl", "--out", folder_ / "other"});
  EXPECT_EQ(no_policy.exit_code, 2);
  EXPECT_THAT(no_policy.err, HasSubstr("is a reward model, which sft cannot train"));
}

TEST_F(TrainTest, TheTemplateGoesWithTheModel) {
  ASSERT_EQ(Sft({"--template", "vicuna"}).exit_code, 0);
  EXPECT_THAT(ReadFile(folder_ / "out/chat_template.jinja").value_or(""), HasSubstr("ASSISTANT: "));
  const ProgramResult other = Sft({"--template", "plain"});
  EXPECT_THAT(other.err, HasSubstr("holds another training: another model, another data"));
}

TEST_F(TrainTest, HelpNamesTheTrainersSettings) {
  EXPECT_THAT(RunArena({"train", "--help"}).out, HasSubstr("dpo"));
  EXPECT_THAT(RunArena({"train", "dpo", "--help"}).out,
              AllOf(HasSubstr("label_smoothing"), HasSubstr("learning_rate"),
                    HasSubstr("arena train dpo --model")));
  EXPECT_THAT(RunArena({"train", "sft", "--modle", "x"}).err, HasSubstr("Did you mean --model?"));
}

}  // namespace
}  // namespace arena
