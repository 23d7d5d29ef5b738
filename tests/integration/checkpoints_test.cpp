// Local checkpoints as a user meets them: made, inspected, asked, killed, damaged.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "store/store.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

class CheckpointsTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeModel("model", 1); }

  void MakeModel(const std::string& name, int seed) const {
    const ProgramResult made = RunArena({"model", "new", "--shape", "mini", "--dtype", "f32",
                                         "--out", folder_ / name, "--seed", std::to_string(seed)});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  void Write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, content).ok());
  }
  std::string Read(const std::string& name) const {
    return ReadFile(folder_ / name).value_or("(no file)");
  }
  void WriteQuestions(int rows) const {
    std::string text;
    for (int i = 0; i < rows; ++i) {
      text += fmt::format(R"({{"messages":[{{"role":"user","content":"Question {}?"}}]}})", i);
      text += '\n';
    }
    Write("in.jsonl", text);
  }
  std::vector<std::string> Generate(const std::string& output) const {
    return {"generate",
            "--model",
            folder_ / "model",
            "--input",
            folder_ / "in.jsonl",
            "--output",
            folder_ / output,
            "--unit",
            "4",
            "--workers",
            "2",
            "--temperature",
            "1",
            "--max-new-tokens",
            "60",
            "--precision",
            "f32"};
  }
  /// Refused with the message, and the exit code of something wrong in what was given.
  static void ExpectRefused(const ProgramResult& result, const std::string& message) {
    EXPECT_THAT(result.exit_code, ::testing::AnyOf(1, 2));
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(result.out, "");
  }

  TemporaryFolder folder_;
};

TEST_F(CheckpointsTest, ANewModelIsInspectedAndExported) {
  const ProgramResult info =
      RunArena({"model", "info", folder_ / "model", "--check-weights", "--json"});
  ASSERT_EQ(info.exit_code, 0) << info.err;
  const Json json = ParseJson(info.out).value_or(Json());
  EXPECT_EQ(json["architecture"], "LlamaForCausalLM");
  EXPECT_EQ(json["vocabulary"], 512);
  EXPECT_EQ(json["tokens"], 512);
  EXPECT_EQ(json["context"], 512);
  EXPECT_EQ(json["weights"], "all finite");
  EXPECT_EQ(json["bytes"], json["parameters"].get<std::int64_t>() * 4);

  const ProgramResult exported = RunArena({"model", "export", "--model", folder_ / "model",
                                           "--gguf", folder_ / "m.gguf", "--type", "f32"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(Read("m.gguf").substr(0, 4), "GGUF");
  EXPECT_GT(Read("m.gguf").size(), json["bytes"].get<std::size_t>());
  // A folder that holds a model already is left alone.
  const std::string weights = Read("model/model.safetensors");
  ExpectRefused(RunArena({"model", "new", "--out", folder_ / "model", "--seed", "2"}), "model");
  EXPECT_EQ(Read("model/model.safetensors"), weights);
}

TEST_F(CheckpointsTest, GeneratingKilledSeveralTimesGivesTheSameBytes) {
  WriteQuestions(200);
  const ProgramResult whole = RunArena(Generate("whole.jsonl"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const std::size_t total = Read("whole.jsonl").size();
  const std::filesystem::path output = folder_ / "killed.jsonl";
  const auto size = [&] {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(output, error);
    return error ? 0 : static_cast<std::size_t>(bytes);
  };
  constexpr std::size_t kKills = 5;
  std::size_t before = 0;
  for (std::size_t kill = 1; kill <= kKills; ++kill) {
    const pid_t pid = StartArena(Generate("killed.jsonl"));
    const std::size_t wanted = std::max(before + 1, total * kill / (2 * kKills));
    while (Running(pid) && size() < wanted) ::usleep(100);
    ::kill(pid, SIGKILL);
    ASSERT_EQ(WaitFor(pid), 128 + SIGKILL) << "the run ended before kill " << kill;
    // Strictly between the first unit and the last.
    ASSERT_GT(size(), before);
    ASSERT_LT(size(), total);
    before = size();
  }
  ASSERT_EQ(RunArena(Generate("killed.jsonl")).exit_code, 0);
  EXPECT_EQ(Read("killed.jsonl"), Read("whole.jsonl"));
}

TEST_F(CheckpointsTest, ABattleOfCheckpointsKilledSeveralTimesGivesTheSameBoard) {
  MakeModel("other", 2);
  std::string questions;
  for (int i = 0; i < 192; ++i) questions += fmt::format("{{\"prompt\":\"Question {}?\"}}\n", i);
  Write("questions.jsonl", questions);
  const auto contestant = [](const std::string& name) {
    return fmt::format(
        "[[contestant]]\nname = \"{0}\"\nkind = \"local\"\ncheckpoint = \"{0}\"\n"
        "precision = \"f32\"\nworkers = 1\ntemperature = 1.0\n"
        "max_new_tokens = 12\nkeep_cut = true\n",
        name);
  };
  Write("arena.toml",
        "[instructions]\nfiles = [\"questions.jsonl\"]\n" + contestant("model") +
            contestant("other") +
            "[judge]\nkind = \"logprob\"\nname = \"logprob\"\ncheckpoint = \"model\"\n"
            "precision = \"f32\"\nworkers = 1\n");
  const auto battle = [&](const std::string& store) -> std::vector<std::string> {
    return {"battle",        "-c",    folder_ / "arena.toml", "--store",
            folder_ / store, "--set", "battle.batch_rows=20"};
  };
  const auto rows = [&](const std::string& store) -> std::int64_t {
    const auto opened = OpenStore(folder_ / store, {.read_only = true});
    if (!opened.ok()) return 0;  // not there in the first moments
    const auto counts = (*opened)->Counts();
    if (!counts.ok()) return 0;
    return counts->instructions + counts->answers + counts->games + counts->battles;
  };
  const auto board = [&](const std::string& store) {
    const ProgramResult rank = RunArena({"rank", "--store", folder_ / store, "--json"});
    EXPECT_EQ(rank.exit_code, 0) << rank.err;
    return rank.out;
  };
  const ProgramResult whole = RunArena(battle("whole.db"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const std::int64_t total = rows("whole.db");
  ASSERT_EQ(total, 192 * (1 + 2 + 2 + 1));
  std::int64_t before = 0;
  for (int kill = 1; kill <= 3; ++kill) {
    const pid_t pid = StartArena(battle("killed.db"));
    const std::int64_t wanted = std::max(before + 1, total * kill / 6);
    while (Running(pid) && rows("killed.db") < wanted) ::usleep(1000);
    ::kill(pid, SIGKILL);
    ASSERT_EQ(WaitFor(pid), 128 + SIGKILL) << "the run ended before kill " << kill;
    ASSERT_GT(rows("killed.db"), before);
    ASSERT_LT(rows("killed.db"), total);
    before = rows("killed.db");
  }
  ASSERT_EQ(RunArena(battle("killed.db")).exit_code, 0);
  EXPECT_EQ(rows("killed.db"), total);
  EXPECT_EQ(board("killed.db"), board("whole.db"));
}

TEST_F(CheckpointsTest, DamagedWeightsAreRefused) {
  WriteQuestions(1);
  const std::string weights = Read("model/model.safetensors");
  const auto refuses = [&](const std::string& bytes, const std::string& message) {
    Write("model/model.safetensors", bytes);
    ExpectRefused(RunArena({"model", "info", folder_ / "model"}), message);
    ExpectRefused(RunArena(Generate("out.jsonl")), "model.safetensors");
  };
  refuses(weights.substr(0, weights.size() / 2), "model.safetensors");
  refuses(weights.substr(0, 5), "model.safetensors");
  refuses("", "model.safetensors");
  refuses(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + weights.substr(8),
          "model.safetensors");
}

TEST_F(CheckpointsTest, WeightsThatAreNoNumbersAreFound) {
  std::string weights = Read("model/model.safetensors");
  weights.replace(weights.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // NaN
  Write("model/model.safetensors", weights);
  const ProgramResult info = RunArena({"model", "info", folder_ / "model", "--check-weights"});
  EXPECT_EQ(info.exit_code, 1);
  EXPECT_THAT(info.out, HasSubstr("lm_head.weight: element 49151 is nan"));
}

TEST_F(CheckpointsTest, WhatDoesNotFitIsNamed) {
  WriteQuestions(1);
  ExpectRefused(RunArena({"model", "info", folder_ / "absent"}), "absent");
  ExpectRefused(RunArena({"generate", "--model", folder_ / "absent", "--input",
                          folder_ / "in.jsonl", "--output", folder_ / "out.jsonl"}),
                "absent");
  const std::string config = Read("model/config.json");
  std::string smaller = config;
  smaller.replace(smaller.find("512", smaller.find("\"vocab_size\"")), 3, "300");
  Write("model/config.json", smaller);
  ExpectRefused(RunArena({"model", "info", folder_ / "model"}), "300");
  ExpectRefused(RunArena(Generate("out.jsonl")), "300");
  EXPECT_EQ(RunArena({"generate"}).exit_code, 2);
}

}  // namespace
}  // namespace arena
