#include "flywheel/loop_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace arena {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanStagesTest, EachStageHasTheNextPartOfTheInstructions) {
  FlywheelSettings settings;
  settings.iterations = 2;
  settings.sft_prompts = 10;
  settings.dpo_prompts = 3;
  settings.ppo_prompts = 2;
  const std::vector<StagePlan> stages = PlanStages(settings);
  std::vector<std::string> names;
  std::vector<std::string> shards;
  std::vector<std::int64_t> first;
  for (const StagePlan& stage : stages) {
    names.push_back(stage.name);
    shards.push_back(stage.shard);
    first.push_back(stage.first);
  }
  EXPECT_THAT(names,
              ElementsAre("SFT-I0", "SFT-I1", "DPO-I1", "PPO-I1", "SFT-I2", "DPO-I2", "PPO-I2"));
  EXPECT_THAT(shards, ElementsAre("", "D1", "D2", "D3", "D4", "D5", "D6"));
  EXPECT_THAT(first, ElementsAre(0, 0, 10, 13, 15, 25, 28));
  EXPECT_EQ(stages[0].parent, "");
  EXPECT_EQ(stages[4].parent, "PPO-I1");
}

TEST(CostOfTest, CountsAnswersAndBattlesOfShardAndTestSet) {
  FlywheelSettings settings;
  settings.iterations = 1;
  settings.dpo_prompts = 10;
  settings.test_prompts = 5;
  settings.own_samples = 2;
  settings.rivals = {"generalist", "math"};
  const std::vector<StagePlan> stages = PlanStages(settings);
  // SFT-I0: three contestants answer 5 instructions, and all three pairs meet.
  const StageCost start = CostOf(settings, stages, 0);
  EXPECT_EQ(start.answers, 15);
  EXPECT_EQ(start.battles, 15);
  EXPECT_EQ(start.trainings, 1);
  // DPO-I1: three targets and two rivals answer 10; on the test set it meets two rivals and two
  // earlier checkpoints.
  const StageCost dpo = CostOf(settings, stages, 2);
  EXPECT_EQ(dpo.answers, 5 * 10 + 5);
  EXPECT_EQ(dpo.battles, 3 * 2 * 10 + 4 * 5);
  EXPECT_EQ(CostOf(settings, stages, 3).trainings, 2);
}

TEST(TrainingSettingsForTest, ItsOwnWinOverThoseOfAll) {
  FlywheelSettings settings;
  settings.seed = 7;
  settings.training["all"] = {{"batch_size", "64"}, {"beta2", "0.98"}};
  settings.training["ppo"] = {{"beta2", "0.95"}};
  EXPECT_THAT(TrainingSettingsFor(settings, "ppo"),
              ElementsAre("batch_size=64", "beta2=0.95", "seed=7"));
  EXPECT_THAT(TrainingSettingsFor(settings, "sft"),
              ElementsAre("batch_size=64", "beta2=0.98", "seed=7"));
}

TEST(TrainingSettingsForTest, AControlIsItsStageWithoutTheTerm) {
  FlywheelSettings settings;
  settings.training["dpo"] = {{"beta", "0.1"}, {"sft_weight", "0.5"}};
  settings.training["ppo"] = {{"ptx_weight", "0.5"}};
  EXPECT_THAT(TrainingSettingsFor(settings, "dpo control"),
              ElementsAre("beta=0", "seed=1", "sft_weight=0.5"));
  EXPECT_THAT(TrainingSettingsFor(settings, "ppo control"),
              ElementsAre("policy_weight=0", "ptx_weight=0.5", "seed=1"));
}

TEST(PlanStagesTest, StagesMayBeLeftOutAndReordered) {
  FlywheelSettings settings;
  settings.iterations = 2;
  settings.stages = {"dpo", "sft"};
  settings.sft_prompts = 7;
  settings.dpo_prompts = 5;
  const std::vector<StagePlan> stages = PlanStages(settings);
  std::vector<std::string> names;
  std::vector<std::int64_t> iterations;
  for (const StagePlan& stage : stages) {
    names.push_back(stage.name);
    iterations.push_back(stage.iteration);
  }
  EXPECT_THAT(names, ElementsAre("SFT-I0", "DPO-I1", "SFT-I1", "DPO-I2", "SFT-I2"));
  EXPECT_THAT(iterations, ElementsAre(0, 1, 1, 2, 2));
  EXPECT_EQ(stages.back().first, 7 + 5 + 5);
}

TEST(CostOfTest, AControlIsTrainedAndEvaluatedToo) {
  FlywheelSettings settings;
  settings.iterations = 1;
  settings.test_prompts = 5;
  settings.rivals = {"generalist", "math"};
  const std::vector<StagePlan> stages = PlanStages(settings);
  const StageCost plain = CostOf(settings, stages, 2);
  settings.controls = true;
  const StageCost both = CostOf(settings, stages, 2);
  EXPECT_EQ(both.trainings, plain.trainings + 1);
  EXPECT_EQ(both.answers, plain.answers + 5);
  EXPECT_EQ(both.battles, plain.battles + 4 * 5);
  EXPECT_EQ(CostOf(settings, stages, 1).trainings, 1);  // SFT has none
}

TEST(CheckFlywheelSettingsTest, NamesWhatIsWrong) {
  const auto message = [](auto change) {
    FlywheelSettings settings;
    change(settings);
    const Status status = CheckFlywheelSettings(settings);
    return status.ok() ? std::string() : status.error().message;
  };
  EXPECT_EQ(message([](FlywheelSettings&) {}), "");
  EXPECT_THAT(message([](FlywheelSettings& s) { s.iterations = 0; }), HasSubstr("iterations"));
  EXPECT_THAT(message([](FlywheelSettings& s) { s.rivals = {"maths"}; }),
              HasSubstr("\"maths\" is unknown; known: generalist, math"));
  EXPECT_THAT(message([](FlywheelSettings& s) {
                s.rivals = {"math", "math"};
              }),
              HasSubstr("math is there twice"));
  EXPECT_THAT(message([](FlywheelSettings& s) {
                s.stages = {"sft", "ppo2"};
              }),
              HasSubstr("flywheel.stages: \"ppo2\" is unknown; known: sft, dpo, ppo"));
  const auto with_controls = [](const char* ptx) {
    return [ptx](FlywheelSettings& s) {
      s.controls = true;
      s.training["dpo"] = {{"sft_weight", "0.5"}};
      s.training["ppo"] = {{"ptx_weight", ptx}};
    };
  };
  EXPECT_EQ(message(with_controls("0.5")), "");
  EXPECT_THAT(message(with_controls("0")), HasSubstr("[flywheel.training.ppo]"));
  EXPECT_THAT(message([](FlywheelSettings& s) { s.stages = {}; }), HasSubstr("name one"));
  EXPECT_THAT(message([](FlywheelSettings& s) {
                s.base = "model";
                s.test_files = {"test.jsonl"};
                s.select_by = SelectionRule::kTags;
                s.select_size = 10;
              }),
              HasSubstr("flywheel.scores"));
  EXPECT_THAT(message([](FlywheelSettings& s) { s.select_by = SelectionRule::kRandom; }),
              HasSubstr("needs flywheel.select_size"));
  EXPECT_THAT(message([](FlywheelSettings& s) { s.replay = -1; }), HasSubstr("flywheel.replay"));
  EXPECT_THAT(message([](FlywheelSettings& s) { s.training["stf"] = {}; }),
              HasSubstr("\"stf\" is unknown"));
}

}  // namespace
}  // namespace arena
