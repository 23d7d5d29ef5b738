#include "battle/adaptive.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/temporary_folder.h"

namespace arena {
namespace {

/// Answers with its strength and the question.
class StrengthModel final : public ChatModel {
 public:
  explicit StrengthModel(double strength)
      : strength_(strength),
        contestant_{fmt::format("strength {}", strength), "",
                    fmt::format("{{\"s\":{}}}", strength)} {}

  const Contestant& contestant() const override { return contestant_; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    Answer answer;
    answer.contestant = contestant_.key();
    answer.instruction = instruction.key;
    answer.sample = sample;
    answer.key = AnswerKey(answer.contestant, answer.instruction, sample);
    answer.turns = {fmt::format("{} {}", strength_, instruction.conversation.front().content)};
    return answer;
  }

 private:
  const double strength_;
  const Contestant contestant_;
};

/// Names a winner with the chances of Bradley and Terry, the same for both seats.
class ChanceJudge final : public Judge {
 public:
  const JudgeIdentity& identity() const override { return identity_; }
  Result<Game> Play(const GameView& view) override {
    if (++played == cancelled_at) return Cancelled("stopped by the user");
    const std::string& first = view.first.back();
    const std::string& second = view.second.back();
    const bool is_swapped = second < first;
    const double gap = std::atof(first.c_str()) - std::atof(second.c_str());
    const double chance = 1 / (1 + std::exp(is_swapped ? gap : -gap));
    const Key draw =
        KeyBuilder("game").Add(std::min(first, second)).Add(std::max(first, second)).Build();
    const bool lesser_wins = static_cast<double>(draw.low % 1000) < 1000 * chance;
    Game game;
    game.state = WorkState::kDone;
    const bool first_wins = lesser_wins != is_swapped;
    game.verdict = {first_wins ? 8.0 : 3.0, first_wins ? 3.0 : 8.0, ""};
    return game;
  }

  std::atomic<int> played = 0;
  int cancelled_at = 0;

 private:
  JudgeIdentity identity_{"chance", "", "{}"};
};

class AdaptiveTest : public ::testing::Test {
 protected:
  AdaptiveTest() {
    for (const double strength : {-2.0, -1.9, 0.0, 0.1, 2.0}) {
      models_.push_back(std::make_unique<StrengthModel>(strength));
    }
  }
  AdaptiveProgress Run(const std::string& file, double width, int questions = 400) {
    const auto store = std::move(*OpenStore(folder_ / file, {}));
    const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) -> Status {
      for (int i = 0; i < questions; ++i) {
        ARENA_RETURN_IF_ERROR(sink(MakeInstruction(fmt::format("question {}", i))));
      }
      return {};
    };
    std::vector<ChatModel*> models;
    for (const auto& model : models_) models.push_back(model.get());
    const auto run = RunAdaptiveBattles(*store, stream, models, judge_,
                                        {.battles = {.seed = 5, .threads = 2}, .width = width},
                                        [](const AdaptiveProgress&) {});
    EXPECT_TRUE(run.ok()) << run.error().message;
    return run.value_or(AdaptiveProgress{});
  }
  std::set<std::string> BattlesOf(const std::string& file) {
    const auto store = std::move(*OpenStore(folder_ / file, {.read_only = true}));
    std::set<std::string> battles;
    EXPECT_TRUE(store
                    ->ForEachBattle({},
                                    [&](const BattleRecord& battle) -> Status {
                                      battles.insert(fmt::format("{} {} {} {}", battle.instruction,
                                                                 battle.model_a, battle.model_b,
                                                                 battle.games[0].share_a));
                                      return {};
                                    })
                    .ok());
    return battles;
  }

  const TemporaryFolder folder_;
  std::vector<std::unique_ptr<StrengthModel>> models_;
  ChanceJudge judge_;
};

TEST_F(AdaptiveTest, EndsWhenTheIntervalsAreAsNarrowAsWished) {
  const AdaptiveProgress wide = Run("wide.db", 200);
  EXPECT_LE(wide.width, 200);
  EXPECT_GT(wide.rounds, 1);
  EXPECT_EQ(wide.run.battles_total, 10 * 400);
  EXPECT_LT(wide.run.battles_finished, 1000);
  EXPECT_EQ(static_cast<std::int64_t>(BattlesOf("wide.db").size()), wide.run.battles_finished);
  EXPECT_EQ(judge_.played, 2 * wide.run.battles_finished);
  const AdaptiveProgress narrow = Run("narrow.db", 120);
  EXPECT_LE(narrow.width, 120);
  EXPECT_GT(narrow.run.battles_finished, wide.run.battles_finished);
}

TEST_F(AdaptiveTest, MeetingsWhoseEndIsOpenComeMoreOften) {
  const AdaptiveProgress run = Run("run.db", 120);
  int open = 0;
  int clear = 0;
  for (const std::string& battle : BattlesOf("run.db")) {
    const auto has = [&](const char* name) { return battle.find(name) != std::string::npos; };
    open += has("strength -2 ") && has("strength -1.9") ? 1 : 0;
    clear += has("strength -2 ") && has("strength 2 ") ? 1 : 0;
  }
  EXPECT_GT(open, clear);
}

TEST_F(AdaptiveTest, ARunThatWasEndedGoesOnToTheSameBattles) {
  const AdaptiveProgress whole = Run("whole.db", 150);
  judge_.played = 0;
  judge_.cancelled_at = 333;
  const AdaptiveProgress part = Run("ended.db", 150);
  EXPECT_TRUE(part.run.interrupted);
  judge_.cancelled_at = 0;
  const AdaptiveProgress rest = Run("ended.db", 150);
  EXPECT_FALSE(rest.run.interrupted);
  EXPECT_EQ(rest.rounds, whole.rounds);
  EXPECT_EQ(rest.width, whole.width);
  EXPECT_EQ(BattlesOf("ended.db"), BattlesOf("whole.db"));
}

TEST_F(AdaptiveTest, AllIsPlayedWhereThatIsNotEnough) {
  const AdaptiveProgress run = Run("all.db", 1, 12);
  EXPECT_EQ(run.run.battles_finished, 10 * 12);
  EXPECT_GT(run.width, 1);
}

}  // namespace
}  // namespace arena
