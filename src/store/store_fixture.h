// A store in a folder of its own, and things to put into it. For tests and benchmarks.
#pragma once

#include <string>

#include "base/temporary_folder.h"
#include "store/store.h"

namespace arena {

/// A small arena made of numbers: contestant i answers instruction j, and the judge scores the
/// game of any two answers. Everything follows from the numbers, so what a store should hold can
/// be made again.
struct SampleArena {
  JudgeIdentity judge{"judge", "house", R"({"kind":"sample"})"};

  Contestant MakeContestant(int i) const {
    return {"model-" + std::to_string(i), "family", R"({"model":)" + std::to_string(i) + "}"};
  }

  Instruction MakeQuestion(int j) const {
    Instruction instruction = MakeInstruction("question " + std::to_string(j));
    instruction.id = "q" + std::to_string(j);
    instruction.category = j % 2 == 0 ? "even" : "odd";
    instruction.source = "sample.jsonl:" + std::to_string(j + 1);
    return instruction;
  }

  Answer MakeAnswer(int i, int j) const {
    Answer answer;
    answer.contestant = MakeContestant(i).key();
    answer.instruction = MakeQuestion(j).key;
    answer.key = AnswerKey(answer.contestant, answer.instruction, 0);
    answer.turns = {"answer of " + std::to_string(i) + " to " + std::to_string(j)};
    answer.style = {10.0 + i, 1.0 * j, 0.5, 0};
    return answer;
  }

  /// `first` sits in the first seat. The score of contestant i is i + 1.
  Game MakeGame(int first, int second, int j) const {
    Game game;
    game.judge = judge.key();
    game.key = GameKey(MakeQuestion(j), TextKey(MakeAnswer(first, j).turns),
                       TextKey(MakeAnswer(second, j).turns), game.judge, 0);
    game.state = WorkState::kDone;
    game.verdict = {first + 1.0, second + 1.0, "because"};
    return game;
  }

  /// Contestant a has the smaller key, whatever the order of the arguments.
  Battle MakeBattle(int i, int k, int j) const {
    int a = i;
    int b = k;
    if (MakeContestant(b).key() < MakeContestant(a).key()) std::swap(a, b);
    Battle battle;
    battle.instruction = MakeQuestion(j).key;
    battle.contestant_a = MakeContestant(a).key();
    battle.contestant_b = MakeContestant(b).key();
    battle.answer_a = MakeAnswer(a, j).key;
    battle.answer_b = MakeAnswer(b, j).key;
    battle.judge = judge.key();
    battle.game_ab = MakeGame(a, b, j).key;
    battle.game_ba = MakeGame(b, a, j).key;
    battle.key = BattleKey(battle.answer_a, battle.answer_b, battle.judge, 0);
    return battle;
  }

  /// Puts contestants 0..contestants-1, their answers to questions 0..questions-1 and the battles
  /// of all pairs.
  Status PutAll(Store& store, int contestants, int questions) const {
    ARENA_RETURN_IF_ERROR(store.PutJudge(judge));
    for (int i = 0; i < contestants; ++i) {
      ARENA_RETURN_IF_ERROR(store.PutContestant(MakeContestant(i)));
    }
    for (int j = 0; j < questions; ++j) {
      const Instruction question = MakeQuestion(j);
      ARENA_RETURN_IF_ERROR(store.PutInstructions({&question, 1}));
      for (int i = 0; i < contestants; ++i) {
        const Answer answer = MakeAnswer(i, j);
        ARENA_RETURN_IF_ERROR(store.PutAnswers({&answer, 1}));
        for (int k = 0; k < i; ++k) ARENA_RETURN_IF_ERROR(PutBattle(store, i, k, j));
      }
    }
    return store.Flush();
  }

  /// Both games, then the battle.
  Status PutBattle(Store& store, int i, int k, int j) const {
    const Game games[] = {MakeGame(i, k, j), MakeGame(k, i, j)};
    ARENA_RETURN_IF_ERROR(store.PutGames(games));
    const Battle battle = MakeBattle(i, k, j);
    return store.PutBattles({&battle, 1});
  }
};

}  // namespace arena
