#include "cli/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "cli/progress.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public ::testing::Test {
 protected:
  LoadedConfig Load(std::string_view text, const std::vector<std::string>& overrides = {}) {
    const auto file = folder_ / "arena.toml";
    EXPECT_TRUE(WriteFileAtomic(file, text).ok());
    auto loaded = LoadConfig(file, overrides);
    EXPECT_TRUE(loaded.ok());
    return std::move(*loaded);
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

constexpr std::string_view kValid = R"([arena]
store = "run/a.db"
seed = 7
[instructions]
format = "jsonl"
files = ["q.jsonl"]
columns = {prompt = "question"}
[[contestant]]
name = "x"
format = "csv"
file = "x.csv"
[[contestant]]
name = "y"
format = "fastchat"
file = "/data/y.jsonl"
model = "y-7b"
[judge]
match = "exact"
[battle]
pairing = "target"
target = "x"
[outcome]
tie_margin = 0.5
)";

TEST_F(ConfigTest, ReadsEveryTableAndResolvesPathsAgainstTheFile) {
  const LoadedConfig loaded = Load(kValid);
  EXPECT_THAT(loaded.findings, IsEmpty());
  const Config& config = loaded.config;
  EXPECT_EQ(config.store, folder_ / "run/a.db");
  EXPECT_EQ(config.seed, 7);
  EXPECT_THAT(config.instructions.files, ElementsAre(folder_ / "q.jsonl"));
  EXPECT_EQ(config.instructions.columns.at("prompt"), "question");
  ASSERT_EQ(config.contestants.size(), 2U);
  EXPECT_EQ(config.contestants[0].model, "x");
  EXPECT_EQ(config.contestants[1].model, "y-7b");
  EXPECT_EQ(config.contestants[1].file, "/data/y.jsonl");
  EXPECT_EQ(config.pairing.pairing, Pairing::kTarget);
  EXPECT_EQ(config.outcome.tie_margin, 0.5);
}

TEST_F(ConfigTest, AJudgeMayBeALocalCheckpoint) {
  for (const std::string kind : {"logprob", "single-score", "reward_model"}) {
    const LoadedConfig loaded = Load(kValid, {"judge.kind=" + kind, "judge.checkpoint=models/rm"});
    EXPECT_THAT(loaded.findings, IsEmpty()) << kind;
    EXPECT_EQ(LocalScoreName(loaded.config.judge.local.score), kind);
    EXPECT_EQ(loaded.config.judge.local.model.pool.model, folder_ / "models/rm");
    const LoadedConfig without = Load(kValid, {"judge.kind=" + kind});
    ASSERT_EQ(without.findings.size(), 1U) << kind;
    EXPECT_THAT(without.findings[0].message, HasSubstr("needs checkpoint"));
  }
}

constexpr std::string_view kJury = R"([judge]
kind = "jury"
rule = "majority"
[[judge.member]]
kind = "llm"
name = "big"
template = "prompts/mine.txt"
template_by_category = {math = "pair-grades"}
samples = 3
parser = "strict"
[judge.member.model]
checkpoint = "models/big"
temperature = 0.5
[[judge.member]]
kind = "command"
name = "metric"
command = ["python3", "metric.py"]
timeout_s = 5
highest = 100
[[judge.member]]
name = "exact"
match = "exact"
)";

TEST_F(ConfigTest, AJuryHasMembersOfAnyKind) {
  const LoadedConfig loaded = Load(kJury);
  EXPECT_THAT(loaded.findings, IsEmpty());
  const JudgeConfig& judge = loaded.config.judge;
  EXPECT_EQ(judge.jury.rule, JuryRule::kMajority);
  ASSERT_EQ(judge.members.size(), 3U);
  const LlmJudgeConfig& llm = judge.members[0].llm;
  EXPECT_EQ(llm.name, "big");
  EXPECT_EQ(llm.where, (folder_ / "prompts/mine.txt").string());
  EXPECT_EQ(llm.by_category.at("math"), "pair-grades");
  EXPECT_EQ(llm.samples, 3);
  EXPECT_EQ(llm.reading, VerdictReading::kStrict);
  EXPECT_EQ(llm.model.kind, "local");
  EXPECT_EQ(llm.model.local.model.pool.model, folder_ / "models/big");
  EXPECT_EQ(llm.model.local.sampling.temperature, 0.5);
  const CommandJudgeOptions& command = judge.members[1].command;
  EXPECT_THAT(command.command, ElementsAre("python3", "metric.py"));
  EXPECT_EQ(command.timeout, std::chrono::seconds(5));
  EXPECT_EQ(command.highest, 100);
  EXPECT_EQ(std::filesystem::path(command.folder), folder_ / "");
  EXPECT_EQ(judge.members[2].reference.match, ReferenceMatch::kExact);
}

TEST_F(ConfigTest, WhatAJudgeLacksIsFound) {
  const auto finding = [this](std::string_view text) {
    const LoadedConfig loaded = Load(text);
    EXPECT_EQ(loaded.findings.size(), 1U) << text;
    return loaded.findings.empty() ? "" : loaded.findings[0].message;
  };
  EXPECT_THAT(finding("[judge]\nkind = 'llm'\n"), HasSubstr("needs a table [judge.model]"));
  EXPECT_THAT(finding("[judge]\nkind = 'llm'\n[judge.model]\n"),
              HasSubstr("[judge.model] needs checkpoint"));
  EXPECT_THAT(finding("[judge]\nkind = 'llm'\n[judge.model]\nkind = 'recorded'\n"),
              HasSubstr("judge.model.kind cannot be \"recorded\""));
  EXPECT_THAT(finding("[judge]\nkind = 'llm'\nmatch = 'exact'\nmodel = {checkpoint = 'x'}\n"),
              HasSubstr("unknown key judge.match"));
  EXPECT_THAT(finding("[judge]\nkind = 'llm'\nparser = 'lax'\nmodel = {checkpoint = 'x'}\n"),
              HasSubstr("known: strict, tolerant"));
  EXPECT_THAT(finding("[judge]\nkind = 'command'\n"), HasSubstr("needs command"));
  EXPECT_THAT(finding("[judge]\nkind = 'jury'\n[[judge.member]]\nname = 'one'\n"),
              HasSubstr("needs two [[judge.member]] or more"));
}

TEST_F(ConfigTest, AnUnknownKeyIsFoundWithItsLineAndTheNearestKnownOne) {
  const LoadedConfig loaded = Load("[arena]\nsead = 1\n[jugde]\nmatch = 'exact'\n");
  ASSERT_EQ(loaded.findings.size(), 2U);
  EXPECT_THAT(loaded.findings[0].where, EndsWith("arena.toml:2"));
  EXPECT_THAT(loaded.findings[0].message, HasSubstr("did you mean arena.seed?"));
  EXPECT_THAT(loaded.findings[1].message, HasSubstr("did you mean judge?"));
}

TEST_F(ConfigTest, WrongTypesAndUnknownNamesAreFound) {
  const LoadedConfig loaded = Load(
      "[arena]\nseed = 'one'\n[instructions]\nfiles = 'q.jsonl'\nformat = 'gsm8'\n"
      "[outcome]\npolicy = 'majority'\n[battle]\nbatch_rows = 0\n[[contestant]]\nname = 'x'\n");
  std::string all;
  for (const ConfigFinding& finding : loaded.findings) all += finding.message + "\n";
  EXPECT_THAT(all, HasSubstr("arena.seed must be a whole number"));
  EXPECT_THAT(all, HasSubstr("instructions.files must be a list of strings"));
  EXPECT_THAT(all, HasSubstr("\"gsm8\" is unknown, did you mean \"gsm8k\"?"));
  EXPECT_THAT(all, HasSubstr("\"majority\" is unknown"));
  EXPECT_THAT(all, HasSubstr("battle.batch_rows must be at least 1"));
  EXPECT_THAT(all, HasSubstr("the contestant \"x\" needs a file"));
}

TEST_F(ConfigTest, OverridesWinAndKeepTheirTypes) {
  const LoadedConfig loaded =
      Load(kValid, {"arena.seed=9", "battle.pairing=all", "instructions.categories=[\"a\"]"});
  EXPECT_THAT(loaded.findings, IsEmpty());
  EXPECT_EQ(loaded.config.seed, 9);
  EXPECT_EQ(loaded.config.pairing.pairing, Pairing::kAll);
  EXPECT_THAT(loaded.config.instructions.categories, ElementsAre("a"));
}

TEST_F(ConfigTest, AMalformedOverrideIsAnErrorAndAnUnknownOneAFinding) {
  EXPECT_EQ(Load(kValid, {"arena.sed=9"}).findings.size(), 1U);
  const auto file = folder_ / "arena.toml";
  EXPECT_FALSE(LoadConfig(file, {"seed"}).ok());
  EXPECT_FALSE(LoadConfig(file, {"contestant.name=z"}).ok());
}

TEST_F(ConfigTest, OverridesReachTablesWithinTables) {
  constexpr std::string_view kTables = "[flywheel.training.dpo]\nbeta = 0.1\nsft_weight = 0.5\n";
  const LoadedConfig loaded =
      Load(kTables, {"flywheel.training.dpo.beta=0", "flywheel.training.ppo.schedule=linear run"});
  EXPECT_THAT(loaded.findings, IsEmpty());
  const auto& training = loaded.config.flywheel.training;
  EXPECT_EQ(training.at("dpo"),
            (std::map<std::string, std::string>{{"beta", "0"}, {"sft_weight", "0.5"}}));
  EXPECT_EQ(training.at("ppo").at("schedule"), "linear run");
  const auto through_a_value =
      LoadConfig(folder_ / "arena.toml", {"flywheel.training.dpo.beta.x=1"});
  EXPECT_THAT(through_a_value.error().message, HasSubstr("beta is not a table"));
}

TEST_F(ConfigTest, ASyntaxErrorNamesItsLineAndAMissingFileSaysWhatToDo) {
  const LoadedConfig loaded = Load("[arena]\nseed = \n");
  ASSERT_EQ(loaded.findings.size(), 1U);
  EXPECT_THAT(loaded.findings[0].where, EndsWith(":2"));
  const auto missing = LoadValidConfig(folder_ / "none.toml", {});
  EXPECT_THAT(missing.error().message, HasSubstr("arena init"));
}

TEST(FormatDurationTest, RoundsUpToWhatAPersonReads) {
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(200)), "1 s");
  EXPECT_EQ(FormatDuration(std::chrono::seconds(130)), "2 min 10 s");
  EXPECT_EQ(FormatDuration(std::chrono::minutes(65)), "1 h 05 min");
}

TEST_F(ConfigTest, CurationHasItsDefaultsWithAndWithoutTheTable) {
  const auto with = Load("[curate]\nshards = 3\n");
  const auto without = Load("");
  EXPECT_THAT(without.findings, IsEmpty());
  EXPECT_EQ(without.config.curate.settings.near.curve_thresholds.size(), 7U);
  EXPECT_EQ(with.config.curate.settings.near.curve_thresholds,
            without.config.curate.settings.near.curve_thresholds);
  EXPECT_THAT(Load("[curate]\nnear_curve = false\n").config.curate.settings.near.curve_thresholds,
              IsEmpty());
}

}  // namespace
}  // namespace arena
