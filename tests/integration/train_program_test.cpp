// arena-lm train, as arena starts it: learning, going on after a kill, ranks, bad input.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/new_model.h"
#include "checkpoint/token_data.h"
#include "tests/integration/lm_process.h"

namespace arena {
namespace {

using Tokens = std::vector<std::int32_t>;
using Pairs = std::map<std::string, std::string>;

// The task: a word of three to five letters, backwards.
constexpr std::int32_t kBegin = 1, kAnswer = 2, kEnd = 3, kFirstLetter = 4, kVocabulary = 20;

struct Task {
  Tokens prompt, answer;
};

Task DrawTask(Rng& rng) {
  Task task{{kBegin}, {}};
  for (std::uint64_t i = 0, n = 3 + rng.Below(3); i < n; ++i) {
    task.prompt.push_back(
        static_cast<std::int32_t>(kFirstLetter + rng.Below(kVocabulary - kFirstLetter)));
  }
  task.answer.assign(task.prompt.rbegin(), task.prompt.rend() - 1);
  task.prompt.push_back(kAnswer);
  task.answer.push_back(kEnd);
  return task;
}

void AddSequence(const Tokens& prompt, const Tokens& answer, TokenData& data) {
  data.tokens.insert(data.tokens.end(), prompt.begin(), prompt.end());
  data.tokens.insert(data.tokens.end(), answer.begin(), answer.end());
  data.loss.insert(data.loss.end(), prompt.size(), 0);
  data.loss.insert(data.loss.end(), answer.size(), 1);
  data.ends.push_back(static_cast<std::int64_t>(data.tokens.size()));
}

enum class DataKind { kDemonstrations, kPreferences, kPrompts };

TokenData MakeData(DataKind kind, int examples, std::uint64_t seed) {
  TokenData data;
  Rng rng(seed);
  for (int i = 1; i <= examples; ++i) {
    const Task task = DrawTask(rng);
    AddSequence(task.prompt, kind == DataKind::kPrompts ? Tokens() : task.answer, data);
    data.rows.push_back(i);
    if (kind != DataKind::kPreferences) continue;
    Tokens wrong = task.answer;  // with one letter changed
    std::int32_t& letter = wrong[rng.Below(wrong.size() - 1)];
    letter = kFirstLetter + (letter - kFirstLetter + 1) % (kVocabulary - kFirstLetter);
    AddSequence(task.prompt, wrong, data);
    data.margins.push_back(0);
  }
  return data;
}

// A folder with a small model, data, and what trainings leave.
class TrainProgram : public testing::Test {
 protected:
  TrainProgram() {
    ModelConfig config;
    config.vocab_size = kVocabulary;
    config.hidden_size = 48;
    config.intermediate_size = 96;
    config.layers = 2;
    config.heads = 2;
    config.kv_heads = 1;
    config.head_dim = 24;
    config.max_position_embeddings = 64;
    config.eos_ids = {kEnd};
    EXPECT_TRUE(NewModel(config, 1, folder_ / "model").ok());
    Write(MakeData(DataKind::kDemonstrations, 2000, 1), "sft");
    Write(MakeData(DataKind::kPreferences, 600, 2), "pairs");
    Write(MakeData(DataKind::kPrompts, 400, 3), "prompts");
    Write(MakeData(DataKind::kDemonstrations, 200, 4), "held_out");
    Write(MakeData(DataKind::kPreferences, 200, 5), "held_out_pairs");
  }

  void Write(const TokenData& data, const std::string& name) {
    const Status written = WriteTokenData(data, folder_ / (name + ".safetensors"));
    EXPECT_TRUE(written.ok()) << written.error().message;
  }

  // Writes NAME.json, whose output is the folder NAME.
  std::string Job(const std::string& name, const std::string& trainer, const std::string& model,
                  const std::string& data, const Pairs& settings, const Pairs& more = {}) {
    Json job = {{"trainer", trainer},
                {"model", folder_ / model},
                {"data", folder_ / (data + ".safetensors")},
                {"out", folder_ / name}};
    for (const auto& [key, value] : more) job[key] = folder_ / value;
    Json all = {{"beta2", "0.98"}, {"schedule", "linear"}, {"batch_size", "32"}};
    for (const auto& [key, value] : settings) all[key] = value;
    job["settings"] = all;
    EXPECT_TRUE(WriteFileAtomic(folder_ / (name + ".json"), DumpJson(job)).ok());
    return folder_ / (name + ".json");
  }

  struct Outcome {
    int exit_code = 0;
    std::vector<Json> events;

    std::vector<Json> Of(const std::string& type) const {
      std::vector<Json> found;
      for (const Json& event : events) {
        if (event["type"] == type) found.push_back(event);
      }
      return found;
    }
    std::string error() const {
      const auto errors = Of("error");
      return errors.empty() ? "" : errors.front()["message"].get<std::string>();
    }
  };

  static std::unique_ptr<LmProcess> Start(const std::string& job) {
    return std::make_unique<LmProcess>(ARENA_LM_PROGRAM, std::vector<std::string>{"train", job});
  }
  static Outcome Finish(LmProcess& process) {
    Outcome outcome;
    for (std::string line = process.ReceiveText(); !line.empty(); line = process.ReceiveText()) {
      outcome.events.push_back(Json::parse(line));
    }
    outcome.exit_code = process.Wait();
    return outcome;
  }
  static Outcome Train(const std::string& job) { return Finish(*Start(job)); }

  std::string Bytes(const std::string& file) {
    const auto bytes = ReadFile(folder_ / file);
    EXPECT_TRUE(bytes.ok()) << file;
    return bytes.ok() ? *bytes : "";
  }
  std::vector<Json> Metrics(const std::string& name) {
    std::vector<Json> lines;
    std::ifstream file(folder_ / (name + "/metrics.jsonl"));
    for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  // A policy that is right more often than not.
  void MakePolicy() {
    const Outcome done =
        Train(Job("policy", "sft", "model", "sft",
                  {{"steps", "250"}, {"learning_rate", "3e-3"}, {"save_every", "0"}}));
    ASSERT_EQ(done.exit_code, 0) << done.error();
  }

  // The share of preferences whose chosen answer has the larger reward, as the engine answers.
  double EngineAccuracy(const std::string& model, const TokenData& data) {
    LmProcess engine(ARENA_LM_PROGRAM);
    engine.Send(
        {{"type", "hello"}, {"protocol", 1}, {"model", folder_ / model}, {"precision", "f32"}});
    EXPECT_EQ(engine.Receive()["type"], "ready");
    for (std::size_t i = 0; i < data.sequences(); ++i) {
      const auto tokens = data.Sequence(i);
      const auto loss = data.Loss(i);
      const auto answer = std::find(loss.begin(), loss.end(), 1) - loss.begin();
      engine.Send({{"type", "reward"},
                   {"id", std::to_string(i)},
                   {"prompt", Tokens(tokens.begin(), tokens.begin() + answer)},
                   {"answer", Tokens(tokens.begin() + answer, tokens.end())}});
    }
    std::vector<double> rewards(data.sequences());
    for (std::size_t i = 0; i < data.sequences(); ++i) {
      const Json line = engine.Receive();
      rewards[std::stoul(line["id"].get<std::string>())] = line["reward"].get<double>();
    }
    int right = 0;
    for (std::size_t i = 0; i < rewards.size(); i += 2) right += rewards[i] > rewards[i + 1];
    return right / static_cast<double>(data.examples());
  }

  TemporaryFolder folder_;
};

// Below the ports that the system gives away itself; another for each test that runs at the same
// time.
std::string MasterPort() { return std::to_string(20000 + ::getpid() % 12000); }

TEST_F(TrainProgram, SftLearnsWhatItHasNotSeen) {
  const Outcome done =
      Train(Job("out", "sft", "model", "sft",
                {{"epochs", "6"}, {"learning_rate", "3e-3"}, {"save_every", "100"}},
                {{"eval_data", "held_out.safetensors"}}));
  ASSERT_EQ(done.exit_code, 0) << done.error();
  EXPECT_EQ(done.Of("start").front()["steps"], 378);
  EXPECT_EQ(done.Of("step").size(), 378U);
  EXPECT_EQ(done.Of("saved").size(), 3U);
  const double before = done.Of("step").front()["loss"], after = done.Of("eval").back()["loss"];
  EXPECT_GT(before, 2.5);  // about log 20
  EXPECT_LT(after, 0.3);
  EXPECT_EQ(Metrics("out").size(), 378U);
  const auto checkpoint = Checkpoint::Open(folder_ / "out");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->config().eos_ids, std::vector<std::int64_t>{kEnd});
}

TEST_F(TrainProgram, PreferencesRewardAndPpo) {
  MakePolicy();
  const Outcome dpo = Train(Job("dpo", "dpo", "policy", "pairs",
                                {{"epochs", "2"}, {"learning_rate", "3e-4"}, {"beta", "0.1"}},
                                {{"eval_data", "held_out_pairs.safetensors"}}));
  ASSERT_EQ(dpo.exit_code, 0) << dpo.error();
  // The reference is the model itself: at first all rewards are 0.
  EXPECT_NEAR(dpo.Of("step").front()["loss"].get<double>(), std::log(2.0), 1e-6);
  EXPECT_GT(dpo.Of("eval").back()["margin"].get<double>(), 0.05);

  const Outcome rm = Train(Job("rm", "rm", "policy", "pairs",
                               {{"epochs", "2"},
                                {"learning_rate", "1e-3"},
                                {"likelihood_weight", "0.5"},
                                {"likelihood_loss_weight", "0.3"}},
                               {{"eval_data", "held_out_pairs.safetensors"}}));
  ASSERT_EQ(rm.exit_code, 0) << rm.error();
  EXPECT_GT(rm.Of("eval").back()["accuracy"].get<double>(), 0.9);
  const auto saved = Checkpoint::Open(folder_ / "rm");
  ASSERT_TRUE(saved.ok()) << saved.error().message;
  EXPECT_EQ(saved->config().architecture, Architecture::kLlamaSequenceClassification);
  EXPECT_EQ(saved->config().likelihood_weight, 0.5);
  EXPECT_TRUE(saved->warnings().empty());
  // Where training computes in bfloat16, a close pair may fall the other way.
  EXPECT_NEAR(EngineAccuracy("rm", MakeData(DataKind::kPreferences, 200, 5)),
              rm.Of("eval").back()["accuracy"].get<double>(), 0.01);

  const Outcome ppo = Train(Job("ppo", "ppo", "policy", "prompts",
                                {{"steps", "6"},
                                 {"rollout_batch", "64"},
                                 {"samples_per_prompt", "4"},
                                 {"minibatch", "64"},
                                 {"max_new_tokens", "8"},
                                 {"learning_rate", "3e-4"},
                                 {"missing_eos_penalty", "2"},
                                 {"reward_clip", "3"},
                                 {"kl_coefficient", "0.05"}},
                                {{"reward_model", "rm"}}));
  ASSERT_EQ(ppo.exit_code, 0) << ppo.error();
  const std::vector<Json> steps = ppo.Of("step");
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_GT(steps.back()["reward"].get<double>(), steps.front()["reward"].get<double>());
  // Nothing was updated before the first ratios: old and new are the same computation.
  EXPECT_LT(steps.front()["first_ratio_error"].get<double>(), 1e-5);
  EXPECT_EQ(steps.front()["kl"].get<double>(), 0);
  EXPECT_GT(steps.back()["kl"].get<double>(), 0);
  EXPECT_EQ(steps.front()["updates"], 4);
}

TEST_F(TrainProgram, KilledAndContinuedGivesTheSameBits) {
  const Pairs settings = {{"steps", "120"}, {"learning_rate", "2e-3"}, {"save_every", "10"}};
  ASSERT_EQ(Train(Job("whole", "sft", "model", "sft", settings)).exit_code, 0);
  const std::string job = Job("killed", "sft", "model", "sft", settings);
  for (int i = 0; i < 2; ++i) {
    const auto process = Start(job);
    for (int steps = 0; steps < 25;) {
      const std::string line = process->ReceiveText();
      ASSERT_FALSE(line.empty());
      steps += Json::parse(line)["type"] == "step" ? 1 : 0;
    }
    ::kill(process->pid(), SIGKILL);
  }
  const Outcome done = Train(job);
  ASSERT_EQ(done.exit_code, 0) << done.error();
  EXPECT_TRUE(done.Of("start").front()["resumed"].get<bool>());
  EXPECT_GE(done.Of("start").front()["step"].get<int>(), 40);
  EXPECT_EQ(Bytes("killed/model.safetensors"), Bytes("whole/model.safetensors"));
  const std::vector<Json> a = Metrics("killed"), b = Metrics("whole");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i]["loss"], b[i]["loss"]) << i;
}

TEST_F(TrainProgram, PpoKilledAndContinuedGivesTheSameBits) {
  const Pairs settings = {{"steps", "6"},
                          {"rollout_batch", "16"},
                          {"samples_per_prompt", "2"},
                          {"minibatch", "16"},
                          {"max_new_tokens", "8"},
                          {"learning_rate", "1e-3"},
                          {"save_every", "1"},
                          {"ppo_epochs", "2"},
                          {"kl_target", "0.5"},
                          {"kl_horizon", "100"},
                          {"reward_normalisation", "running"},
                          {"average_decay", "0.5"}};
  ASSERT_EQ(Train(Job("rm", "rm", "model", "pairs", {{"steps", "5"}})).exit_code, 0);
  const Pairs more = {{"reward_model", "rm"}};
  ASSERT_EQ(Train(Job("whole", "ppo", "model", "prompts", settings, more)).exit_code, 0);
  const std::string job = Job("killed", "ppo", "model", "prompts", settings, more);
  {
    const auto process = Start(job);
    for (int saved = 0; saved < 3;) {
      const std::string line = process->ReceiveText();
      ASSERT_FALSE(line.empty());
      saved += Json::parse(line)["type"] == "saved" ? 1 : 0;
    }
    ::kill(process->pid(), SIGKILL);
  }
  const Outcome done = Train(job);
  ASSERT_EQ(done.exit_code, 0) << done.error();
  EXPECT_TRUE(done.Of("start").front()["resumed"].get<bool>());
  EXPECT_EQ(Bytes("killed/model.safetensors"), Bytes("whole/model.safetensors"));
}

TEST_F(TrainProgram, AnInterruptSavesAndTheSameCommandGoesOn) {
  const std::string job =
      Job("out", "sft", "model", "sft", {{"steps", "4000"}, {"save_every", "0"}});
  const auto process = Start(job);
  while (Json::parse(process->ReceiveText())["type"] != "step") {
  }
  ::kill(process->pid(), SIGINT);
  const Outcome stopped = Finish(*process);
  EXPECT_EQ(stopped.exit_code, 130);
  ASSERT_EQ(stopped.Of("saved").size(), 1U);
  const int step = stopped.Of("saved").front()["step"];
  const auto again = Start(job);
  EXPECT_EQ(again->Receive()["step"], step);
  ::kill(again->pid(), SIGKILL);
}

TEST_F(TrainProgram, TwoRanksFollowOne) {
  const Pairs settings = {{"steps", "20"}, {"learning_rate", "1e-3"}, {"save_every", "5"}};
  ASSERT_EQ(Train(Job("one", "sft", "model", "sft", settings)).exit_code, 0);
  const std::string job = Job("two", "sft", "model", "sft", settings);
  ::setenv("WORLD_SIZE", "2", 1);
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  ::setenv("MASTER_PORT", MasterPort().c_str(), 1);
  ::setenv("RANK", "0", 1);
  const auto first = Start(job);
  ::setenv("RANK", "1", 1);
  const auto second = Start(job);
  for (const char* name : {"WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "RANK"}) ::unsetenv(name);
  const Outcome done = Finish(*first);
  EXPECT_EQ(done.exit_code, 0) << done.error();
  EXPECT_EQ(Finish(*second).exit_code, 0);
  const std::vector<Json> one = Metrics("one"), two = Metrics("two");
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    // The same batches; only the order of sums differs, and Adam carries it on.
    EXPECT_NEAR(one[i]["loss"].get<double>(), two[i]["loss"].get<double>(), 2e-3) << i;
  }
}

TEST_F(TrainProgram, ARankThatDiesEndsTheOthers) {
  const std::string job = Job("out", "sft", "model", "sft",
                              {{"steps", "100000"}, {"save_every", "3"}, {"rank_timeout", "20"}});
  ::setenv("WORLD_SIZE", "2", 1);
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  ::setenv("MASTER_PORT", MasterPort().c_str(), 1);
  ::setenv("RANK", "0", 1);
  const auto first = Start(job);
  ::setenv("RANK", "1", 1);
  const auto second = Start(job);
  for (const char* name : {"WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "RANK"}) ::unsetenv(name);
  while (first->Receive()["type"] != "saved") {
  }
  ::kill(second->pid(), SIGKILL);
  const Outcome failed = Finish(*first);
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_NE(failed.error().find("rank 1 has ended"), std::string::npos) << failed.error();
  const auto again = Start(job);  // alone
  EXPECT_TRUE(again->Receive()["resumed"].get<bool>());
  ::kill(again->pid(), SIGKILL);
}

TEST_F(TrainProgram, LoraTrainsAdaptersOnlyAndMerges) {
  MakePolicy();
  const Outcome done = Train(Job("lora", "sft", "policy", "sft",
                                 {{"steps", "60"}, {"learning_rate", "5e-3"}, {"lora_rank", "4"}},
                                 {{"eval_data", "held_out.safetensors"}}));
  ASSERT_EQ(done.exit_code, 0) << done.error();
  const Json start = done.Of("start").front();
  EXPECT_LT(start["trainable"].get<int>(), start["parameters"].get<int>() / 2);
  const Json config = Json::parse(Bytes("lora/adapter/adapter_config.json"));
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["r"], 4);
  const auto adapters = SafetensorsFile::Open(folder_ / "lora/adapter/adapter_model.safetensors");
  ASSERT_TRUE(adapters.ok());
  EXPECT_EQ(adapters->tensors().front().name,
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  // The merged model is as good as what was trained: evaluated alone with a rate of 0.
  const Outcome merged =
      Train(Job("merged", "sft", "lora", "sft", {{"steps", "1"}, {"learning_rate", "0"}},
                {{"eval_data", "held_out.safetensors"}}));
  ASSERT_EQ(merged.exit_code, 0) << merged.error();
  EXPECT_NEAR(merged.Of("eval").back()["loss"].get<double>(),
              done.Of("eval").back()["loss"].get<double>(), 1e-4);
}

TEST_F(TrainProgram, BadInputIsNamed) {
  const auto error = [&](const std::string& job, int exit_code) {
    const Outcome outcome = Train(job);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.error();
    return outcome.error();
  };
  EXPECT_NE(
      error(Job("a", "sft", "model", "sft", {{"learning_rat", "1"}}), 2).find("learning_rate"),
      std::string::npos);
  EXPECT_NE(error(Job("a", "sft", "model", "sft", {{"batch_size", "0"}}), 2).find("batch_size=0"),
            std::string::npos);
  EXPECT_NE(error(Job("a", "sft", "model", "pairs", {}), 1).find("demonstrations"),
            std::string::npos);
  EXPECT_NE(error(Job("a", "ppo", "model", "prompts", {}), 2).find("reward model"),
            std::string::npos);
  EXPECT_NE(error(Job("a", "ppo", "model", "prompts", {}, {{"reward_model", "model"}}), 1)
                .find("no reward model"),
            std::string::npos);
  TokenData foreign = MakeData(DataKind::kDemonstrations, 3, 1);
  foreign.tokens[1] = kVocabulary;
  Write(foreign, "foreign");
  EXPECT_NE(error(Job("a", "sft", "model", "foreign", {}), 1).find("row 1 has token 20"),
            std::string::npos);
  TokenData lengthy;
  AddSequence(Tokens(60, kBegin), Tokens(10, kEnd), lengthy);
  lengthy.rows = {7};
  Write(lengthy, "lengthy");
  EXPECT_NE(error(Job("a", "sft", "model", "lengthy", {}), 1).find("row 7 has 70 tokens"),
            std::string::npos);
}

TEST_F(TrainProgram, ALossThatExplodesStopsWithItsRowsAndTheLastCheckpointStays) {
  const Outcome failed = Train(Job("out", "sft", "model", "sft",
                                   {{"steps", "400"},
                                    {"learning_rate", "1e8"},
                                    {"save_every", "1"},
                                    {"max_grad_norm", "0"},
                                    {"schedule", "constant"},
                                    {"batch_size", "2"}}));
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_NE(failed.error().find("is not finite"), std::string::npos) << failed.error();
  EXPECT_NE(failed.error().find("rows "), std::string::npos) << failed.error();
  EXPECT_EQ(failed.Of("saved").size(), failed.Of("step").size());
  EXPECT_FALSE(std::filesystem::is_empty(folder_ / "out/checkpoints"));
}

TEST_F(TrainProgram, AFullDiskLeavesTheLastCheckpoint) {
  const Pairs settings = {{"steps", "30"}, {"save_every", "10"}};
  const std::string job = Job("out", "sft", "model", "sft", settings);
  ASSERT_EQ(Train(job).exit_code, 0);
  std::filesystem::remove_all(folder_ / "out/checkpoints/step-00000020");
  const std::string kept = Bytes("out/checkpoints/step-00000010/model.safetensors");
  // No file may grow as large as a checkpoint.
  struct rlimit before, small;
  ::getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 40000;
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Outcome failed = Train(job);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_NE(failed.error().find("checkpoints"), std::string::npos) << failed.error();
  EXPECT_EQ(Bytes("out/checkpoints/step-00000010/model.safetensors"), kept);
  EXPECT_EQ(Train(job).exit_code, 0);
}

}  // namespace
}  // namespace arena
