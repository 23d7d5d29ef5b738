// A store with battles whose texts and scores a test writes down.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "flywheel/selection.h"
#include "store/store.h"

namespace arena {

/// What a contestant answers and which score each of the two games gives it; a negative score makes
/// the game void.
struct Side {
  std::string name;
  std::vector<std::string> turns;
  std::array<double, 2> scores{};
};

class SelectionTest : public testing::Test {
 protected:
  SelectionTest() {
    auto store = OpenStore(folder_ / "store.db", {});
    if (!store.ok()) std::abort();
    store_ = std::move(*store);
    Must(store_->PutJudge(judge_));
  }

  static void Must(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message; }

  static Contestant MakeContestant(const std::string& name) {
    return {name, "", R"({"name":")" + name + "\"}"};
  }

  static Instruction Question(const std::string& text, const std::string& category = "") {
    Instruction instruction = MakeInstruction(text);
    instruction.id = text;
    instruction.category = category;
    return instruction;
  }

  Answer PutAnswer(const Instruction& instruction, const Side& side) {
    const Contestant contestant = MakeContestant(side.name);
    Must(store_->PutContestant(contestant));
    Answer answer;
    answer.contestant = contestant.key();
    answer.instruction = instruction.key;
    answer.key = AnswerKey(answer.contestant, answer.instruction, 0);
    answer.turns = side.turns;
    answer.reasoning = reasoning_;
    answer.finish_reason = finish_reason_;
    Must(store_->PutAnswers({&answer, 1}));
    return answer;
  }

  Key PutGame(const Instruction& instruction, const Answer& first, const Answer& second,
              double score_first, double score_second) {
    Game game;
    game.judge = judge_.key();
    game.key =
        GameKey(instruction, TextKey(first.turns), TextKey(second.turns), game.judge, ++samples_);
    game.state = score_first < 0 ? WorkState::kFailed : WorkState::kDone;
    game.failure = score_first < 0 ? FailureKind::kApi : FailureKind::kNone;
    game.verdict = {score_first, score_second, "because"};
    Must(store_->PutGames({&game, 1}));
    return game.key;
  }

  /// Puts a battle; sides in any order.
  Key PutBattle(const Instruction& instruction, Side x, Side y) {
    Must(store_->PutInstructions({&instruction, 1}));
    if (MakeContestant(y.name).key() < MakeContestant(x.name).key()) std::swap(x, y);
    const Answer a = PutAnswer(instruction, x);
    const Answer b = PutAnswer(instruction, y);
    Battle battle;
    battle.instruction = instruction.key;
    battle.contestant_a = a.contestant;
    battle.contestant_b = b.contestant;
    battle.answer_a = a.key;
    battle.answer_b = b.key;
    battle.judge = judge_.key();
    battle.game_ab = PutGame(instruction, a, b, x.scores[0], y.scores[0]);
    battle.game_ba = PutGame(instruction, b, a, y.scores[1], x.scores[1]);
    battle.key = BattleKey(a.key, b.key, battle.judge, 0);
    Must(store_->PutBattles({&battle, 1}));
    Must(store_->Flush());
    return battle.key;
  }

  /// The target's text and that of `rival`, with the same scores in both games.
  Key PutSimple(const std::string& question, double target_score, const std::string& rival,
                double rival_score) {
    return PutBattle(Question(question),
                     {"target", {"target on " + question}, {target_score, target_score}},
                     {rival, {rival + " on " + question}, {rival_score, rival_score}});
  }

  SelectionOutput Output(const std::string& name = "out") const {
    return {folder_.path() / "data", name, nullptr};
  }

  DataCard MustSelect(const SelectionSettings& settings, const SelectionInputs& inputs = {},
                      const std::string& name = "out") {
    auto card = Select(*store_, settings, inputs, Output(name));
    EXPECT_TRUE(card.ok()) << card.error().message;
    return card.value_or(DataCard());
  }

  std::string SelectError(const SelectionSettings& settings, const SelectionInputs& inputs = {}) {
    const auto card = Select(*store_, settings, inputs, Output());
    return card.ok() ? "" : card.error().message;
  }

  std::string Text(const std::string& suffix, const std::string& name = "out") const {
    return ReadFile(folder_.path() / "data" / (name + suffix)).value_or("");
  }

  std::filesystem::path DataFile(const std::string& name) const {
    return folder_.path() / "data" / (name + ".jsonl");
  }

  TemporaryFolder folder_;
  JudgeIdentity judge_{"judge", "", R"({"kind":"test"})"};
  std::unique_ptr<Store> store_;
  int samples_ = 0;
  std::string reasoning_;
  std::string finish_reason_;
};

}  // namespace arena
