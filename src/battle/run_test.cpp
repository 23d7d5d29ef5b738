#include "battle/run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "base/temporary_folder.h"
#include "battle/plan.h"

namespace arena {
namespace {

/// Answers with what `reply` makes of the instruction; counts how often it is asked.
class FakeModel final : public ChatModel {
 public:
  FakeModel(const std::string& name, std::function<std::string(const std::string&)> reply)
      : contestant_{name, "", "{\"fake\":\"" + name + "\"}"}, reply_(std::move(reply)) {}

  const Contestant& contestant() const override { return contestant_; }

  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    ++asked;
    Answer answer;
    answer.contestant = contestant_.key();
    answer.instruction = instruction.key;
    answer.sample = sample;
    answer.key = AnswerKey(answer.contestant, answer.instruction, sample);
    const std::string text = reply_(instruction.conversation.front().content);
    if (text.empty()) {
      answer.state = WorkState::kFailed;
      answer.failure = FailureKind::kMissing;
      answer.error = "no answer";
    } else {
      answer.turns = {text};
    }
    return answer;
  }

  CallEstimate EstimateOf(const Instruction&) const override { return {1, 5, 10, 0.01}; }

  std::atomic<int> asked = 0;

 private:
  Contestant contestant_;
  std::function<std::string(const std::string&)> reply_;
};

/// The longer text wins; notes the games; fails on texts that contain "unjudgeable" while told to.
class FakeJudge final : public Judge {
 public:
  const JudgeIdentity& identity() const override { return identity_; }

  Result<Game> Play(const GameView& view) override {
    ++played;
    if (played == cancelled_at) return Cancelled("stopped by the user");
    Game game;
    const std::string& first = view.first.back();
    const std::string& second = view.second.back();
    if (failing && (first + second).find("unjudgeable") != std::string::npos) {
      game.state = WorkState::kFailed;
      game.failure = FailureKind::kUnparsable;
      game.error = "cannot read the verdict";
      return game;
    }
    game.state = WorkState::kDone;
    game.verdict = {static_cast<double>(std::min<std::size_t>(first.size(), 10)),
                    static_cast<double>(std::min<std::size_t>(second.size(), 10)), "by length"};
    return game;
  }

  /// A token for each byte of the answers, and a price without limit.
  CallEstimate EstimateOf(const GameView& view) const override {
    const std::size_t bytes = view.first.back().size() + view.second.back().size();
    return {1, static_cast<std::int64_t>(bytes), 0, std::nullopt};
  }

  std::atomic<int> played = 0;
  bool failing = true;
  int cancelled_at = 0;  ///< the game that the user stops; 0: none

 private:
  JudgeIdentity identity_{"length", "", "{\"kind\":\"length\"}"};
};

class RunBattlesTest : public ::testing::Test {
 protected:
  RunBattlesTest() {
    store_ = std::move(*OpenStore(folder_ / "run.db", {}));
    for (int i = 0; i < 100; ++i) questions_.push_back(fmt::format("question {}", i));
  }
  BattleRunProgress Run(const BattleRunOptions& options = {}) {
    const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) -> Status {
      for (const std::string& question : questions_) {
        Instruction instruction = MakeInstruction(question);
        instruction.category = question.ends_with("7") ? "seven" : "other";
        ARENA_RETURN_IF_ERROR(sink(std::move(instruction)));
      }
      return {};
    };
    const auto ignore = [](const BattleRunProgress&) {};
    auto result = RunBattles(*store_, stream, models_, judge_, options, ignore);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.value_or(BattleRunProgress{});
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::vector<std::string> questions_;
  FakeModel short_{"short", [](const std::string&) { return "ab"; }};
  FakeModel long_{"long", [](const std::string& q) { return q + " answered at length"; }};
  FakeModel twin_{"twin", [](const std::string&) { return "ab"; }};
  FakeJudge judge_;
  std::vector<ChatModel*> models_ = {&short_, &long_, &twin_};
};

TEST_F(RunBattlesTest, PlaysEveryPairTwiceWithSeatsSwappedAndSharesVerdictsOfEqualTexts) {
  const BattleRunProgress run = Run({.chunk = 7});
  EXPECT_EQ(run.battles_total, 300);
  EXPECT_EQ(run.battles_finished, 300);
  // short and twin give the same text: each instruction has the games (short, long), (long, short)
  // and (short, short), where six would be played by name.
  EXPECT_EQ(judge_.played, 300);
  EXPECT_EQ(short_.asked, 100);
  std::int64_t long_wins = 0;
  std::int64_t ties = 0;
  ASSERT_TRUE(store_
                  ->ForEachBattle({},
                                  [&](const BattleRecord& battle) -> Status {
                                    const RatedResults rated = *Outcome(battle, {});
                                    EXPECT_EQ(rated.count, 1);
                                    const double share = rated.results[0].share_a;
                                    if (share == 0.5) {
                                      ++ties;
                                    } else {
                                      const auto winner =
                                          share > 0.5 ? battle.model_a : battle.model_b;
                                      long_wins += winner == "long" ? 1 : 0;
                                    }
                                    return {};
                                  })
                  .ok());
  EXPECT_EQ(long_wins, 200);
  EXPECT_EQ(ties, 100);
}

TEST_F(RunBattlesTest, RunningAgainAsksAndJudgesNothing) {
  Run();
  const int asked = short_.asked + long_.asked + twin_.asked;
  const int played = judge_.played;
  const BattleRunProgress again = Run();
  EXPECT_EQ(again.battles_kept, 300);
  EXPECT_EQ(short_.asked + long_.asked + twin_.asked, asked);
  EXPECT_EQ(judge_.played, played);
}

TEST_F(RunBattlesTest, ANewContestantPlaysOnlyItsOwnGames) {
  FakeModel late{"late", [](const std::string&) { return "abcd"; }};
  Run();
  const int played = judge_.played;
  models_.push_back(&late);
  const BattleRunProgress run = Run();
  EXPECT_EQ(run.battles_total, 600);
  EXPECT_EQ(run.battles_kept, 300);
  EXPECT_EQ(judge_.played - played, 400);  // against two distinct texts, in both seats
}

TEST_F(RunBattlesTest, FailedAnswersMakeVoidBattlesAndAreRetriedOnlyWhenAsked) {
  bool works = false;
  FakeModel flaky{"flaky", [&](const std::string& q) {
                    return q == "question 3" && !works ? "" : std::string("abc");
                  }};
  models_ = {&short_, &flaky};
  BattleRunProgress run = Run();
  EXPECT_EQ(run.failed_answers, 1);
  EXPECT_EQ(run.battles_finished, 100);
  ASSERT_EQ(run.failures.size(), 1U);
  EXPECT_THAT(run.failures[0], ::testing::HasSubstr("flaky"));
  works = true;
  EXPECT_EQ(Run().failed_answers, 1);
  EXPECT_EQ(flaky.asked, 100);
  run = Run({.retry_failed = true});
  EXPECT_EQ(run.failed_answers, 0);
  EXPECT_EQ(flaky.asked, 101);
  EXPECT_EQ(run.games_played, 2);
}

TEST_F(RunBattlesTest, FailedGamesAreVoidAndRetriedOnlyWhenAsked) {
  FakeModel odd{"odd", [](const std::string& q) {
                  return q == "question 5" ? std::string("unjudgeable") : std::string("abc");
                }};
  models_ = {&short_, &odd};
  EXPECT_EQ(Run().failed_games, 2);
  judge_.failing = false;
  EXPECT_EQ(Run().failed_games, 2);
  const BattleRunProgress run = Run({.retry_failed = true});
  EXPECT_EQ(run.failed_games, 0);
  EXPECT_EQ(run.games_played, 2);
}

TEST_F(RunBattlesTest, SamplesCategoriesAndRepeatedInstructions) {
  questions_.push_back("question 1");
  EXPECT_EQ(Run({.categories = {"seven"}}).instructions, 10);
  EXPECT_EQ(Run({.sample = 20}).instructions, 20);
  const BattleRunProgress all = Run();
  EXPECT_EQ(all.instructions, 100);
  EXPECT_EQ(all.duplicate_instructions, 1);
}

TEST_F(RunBattlesTest, GamesAreJudgedWhileAnswersAreStillAwaited) {
  std::atomic<bool> was_judged = false;
  FakeModel slow{"slow", [&](const std::string& q) {
                   for (int i = 0; q == "question 50" && i < 2000 && judge_.played == 0; ++i) {
                     std::this_thread::sleep_for(std::chrono::milliseconds(5));
                   }
                   if (q == "question 50") was_judged = judge_.played > 0;
                   return q;
                 }};
  models_ = {&short_, &slow};
  EXPECT_EQ(Run({.threads = 2, .chunk = 100}).battles_finished, 100);
  EXPECT_TRUE(was_judged);
}

/// Answers as told, for what FakeModel cannot say.
class ToldModel final : public ChatModel {
 public:
  explicit ToldModel(std::function<Result<Answer>(Answer)> tell) : tell_(std::move(tell)) {}
  const Contestant& contestant() const override { return contestant_; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    Answer answer;
    answer.contestant = contestant_.key();
    answer.instruction = instruction.key;
    answer.key = AnswerKey(answer.contestant, answer.instruction, sample);
    answer.turns = {instruction.conversation.front().content};
    return tell_(std::move(answer));
  }

 private:
  Contestant contestant_{"told", "", "{\"told\":1}"};
  std::function<Result<Answer>(Answer)> tell_;
};

TEST_F(RunBattlesTest, WhatWasNeverAskedForIsAskedForByTheNextRun) {
  std::atomic<bool> is_up = false;
  ToldModel told([&](Answer answer) {
    if (is_up) return answer;
    answer.state = WorkState::kFailed;
    answer.failure = FailureKind::kApi;
    answer.error = "quarantined";
    answer.attempts = 0;
    return answer;
  });
  models_ = {&short_, &told};
  EXPECT_EQ(Run().failed_answers, 100);
  is_up = true;
  const BattleRunProgress run = Run();
  EXPECT_EQ(run.failed_answers, 0);
  EXPECT_EQ(run.answers_asked, 100);
}

TEST_F(RunBattlesTest, AContestantThatIsCancelledEndsTheRunAndTheNextOneContinues) {
  std::atomic<int> left = 30;
  ToldModel told([&](Answer answer) -> Result<Answer> {
    if (left-- > 0) return answer;
    return Cancelled("its cost could pass the cap");
  });
  models_ = {&short_, &told};
  BattleRunProgress run = Run({.threads = 2});
  EXPECT_TRUE(run.interrupted);
  EXPECT_EQ(run.stopped, "its cost could pass the cap");
  EXPECT_EQ(store_->Counts()->answers - short_.asked, 30) << "those that came are kept";
  left = 1000;
  run = Run();
  EXPECT_FALSE(run.interrupted);
  EXPECT_EQ(run.battles_finished, 100);
  EXPECT_EQ(left, 1000 - 70);
}

/// Is usefully asked for many answers at once.
class WideModel final : public ChatModel {
 public:
  const Contestant& contestant() const override { return inner_.contestant(); }
  unsigned answers_at_once() const override { return 512; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    return inner_.Respond(instruction, sample);
  }

 private:
  FakeModel inner_{"wide", [](const std::string& q) { return q; }};
};

/// Notes how many instructions it is asked for together.
class UnitModel final : public ChatModel {
 public:
  const Contestant& contestant() const override { return inner_.contestant(); }
  bool answers_as_unit() const override { return true; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    return inner_.Respond(instruction, sample);
  }
  std::vector<std::optional<Result<Answer>>> RespondAll(
      std::span<const Instruction* const> instructions, int sample, unsigned threads) override {
    sizes.push_back(instructions.size());
    return inner_.RespondAll(instructions, sample, threads);
  }

  std::vector<std::size_t> sizes;

 private:
  FakeModel inner_{"unit", [](const std::string& q) { return q + "!"; }};
};

TEST_F(RunBattlesTest, AUnitIsAskedForWholeChunksWhateverOthersMayDoAtOnce) {
  UnitModel unit;
  WideModel wide;
  models_ = {&wide, &unit};
  BattleRunOptions options{.chunk = 32};
  EXPECT_EQ(Run(options).battles_finished, 100);
  EXPECT_EQ(unit.sizes, (std::vector<std::size_t>{32, 32, 32, 4}));
  // One answer is missing in the first chunk: all of it is asked for again, and the rest stays.
  questions_.insert(questions_.begin() + 5, "a late question");
  options.chunk = 101;
  const BattleRunProgress run = Run(options);
  EXPECT_EQ(unit.sizes.back(), 101U);
  EXPECT_EQ(run.battles_finished, 101);
  EXPECT_EQ(run.battles_kept, 100);
}

TEST_F(RunBattlesTest, ARetriedAnswerKeepsTheUseOfItsEarlierAttempts) {
  std::atomic<bool> works = false;
  ToldModel told([&](Answer answer) {
    answer.attempts = 3;
    answer.usage.prompt_tokens = 10;
    answer.usage.cost_usd = 0.5;
    if (!works) answer.state = WorkState::kFailed;
    return answer;
  });
  models_ = {&short_, &told};
  questions_.resize(1);
  Run();
  works = true;
  Run({.retry_failed = true});
  const Key key = AnswerKey(told.contestant().key(), MakeInstruction(questions_[0]).key, 0);
  const auto stored = store_->GetAnswers({&key, 1});
  ASSERT_TRUE(stored.ok() && (*stored)[0]);
  EXPECT_EQ((*stored)[0]->attempts, 6);
  EXPECT_EQ((*stored)[0]->usage.prompt_tokens, 20);
  EXPECT_DOUBLE_EQ((*stored)[0]->usage.cost_usd, 1.0);
}

TEST_F(RunBattlesTest, APlanSaysWhatIsLeftToAskAndToJudge) {
  const auto plan = [&](Store* store, const BattleRunOptions& options = {}) {
    const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) -> Status {
      for (const std::string& question : questions_) {
        ARENA_RETURN_IF_ERROR(sink(MakeInstruction(question)));
      }
      return {};
    };
    return *PlanBattles(store, stream, models_, judge_, options);
  };
  BattlePlan before = plan(nullptr);
  EXPECT_EQ(before.instructions, 100);
  EXPECT_EQ(before.battles, 300);
  EXPECT_EQ(before.answers, 300);
  EXPECT_EQ(before.games_at_most, 600);
  EXPECT_EQ(before.contestants.calls, 300);
  EXPECT_NEAR(*before.contestants.most_cost_usd, 3, 1e-9);
  EXPECT_EQ(before.judge.calls, 600);
  EXPECT_EQ(before.judge.most_cost_usd, std::nullopt);
  EXPECT_EQ(before.judge.prompt_tokens, 600 * 80) << "two answers of ten tokens at most";
  EXPECT_EQ(short_.asked, 0);
  EXPECT_EQ(plan(store_.get(), {.sample = 10}).answers, 30);
  models_ = {&short_, &long_};
  Run();
  models_ = {&short_, &long_, &twin_};
  const BattlePlan after = plan(store_.get());
  EXPECT_EQ(after.answers, 100);
  EXPECT_EQ(after.games_at_most, 400);
  EXPECT_EQ(after.contestants.calls, 100);
}

TEST_F(RunBattlesTest, ContestantsThatCannotDifferAreRefused) {
  FakeModel same{"short", [](const std::string&) { return "ab"; }};
  models_ = {&short_, &same};
  const auto none = [](FunctionRef<Status(Instruction &&)>) -> Status { return {}; };
  const auto ignore = [](const BattleRunProgress&) {};
  const auto run = RunBattles(*store_, none, models_, judge_, {}, ignore);
  EXPECT_FALSE(run.ok());
}

TEST_F(RunBattlesTest, AGameThatTheUserStopsIsPlayedByTheNextRun) {
  judge_.cancelled_at = 3;
  const BattleRunProgress stopped = Run({.threads = 1, .chunk = 7});
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.failed_games, 0);
  EXPECT_GT(stopped.games_played, 0);
  const BattleRunProgress rest = Run();
  EXPECT_FALSE(rest.interrupted);
  EXPECT_EQ(rest.battles_finished, rest.battles_total);
  EXPECT_EQ(judge_.played, stopped.games_played + rest.games_played + 1);
}

}  // namespace
}  // namespace arena
