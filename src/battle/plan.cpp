#include "battle/plan.h"

#include <optional>
#include <vector>

#include "battle/internal/instruction_choice.h"
#include "battle/internal/lineup.h"

namespace arena {
namespace {

/// Goes through the instructions one at a time. For one thread.
class Planner {
 public:
  using Ask = FunctionRef<void(std::size_t, const Instruction&)>;

  Planner(Store* store, std::span<ChatModel* const> models, Judge& judge,
          const BattleRunOptions& options, Ask ask)
      : store_(store),
        models_(models),
        judge_key_(judge.identity().key()),
        options_(options),
        ask_(ask) {}

  Status Prepare() {
    ARENA_ASSIGN_OR_RETURN(lineup_, MakeLineup(models_, options_.pairing));
    return {};
  }

  Status Add(const Instruction& instruction) {
    ++plan_.instructions;
    plan_.battles += static_cast<std::int64_t>(lineup_.pairs.size());
    ARENA_ASSIGN_OR_RETURN(const auto answers, Answers(instruction));
    for (const std::size_t m : lineup_.playing) {
      if (!IsToAsk(answers[m])) continue;
      ++plan_.answers;
      ask_(m, instruction);
    }
    return AddGames(instruction, answers);
  }

  const BattlePlan& plan() const { return plan_; }

 private:
  using StoredAnswers = std::vector<std::optional<Answer>>;

  Result<StoredAnswers> Answers(const Instruction& instruction) const {
    if (store_ == nullptr) return StoredAnswers(models_.size());
    std::vector<Key> keys;
    for (const ChatModel* model : models_) {
      keys.push_back(AnswerKey(model->contestant().key(), instruction.key, 0));
    }
    return store_->GetAnswers(keys);
  }

  bool IsToAsk(const std::optional<Answer>& answer) const {
    if (!answer) return true;
    return answer->state != WorkState::kDone && options_.retry_failed;
  }

  Status AddGames(const Instruction& instruction, const StoredAnswers& answers) {
    std::vector<Key> keys;
    for (const auto& [a, b] : lineup_.pairs) {
      if (IsToAsk(answers[a]) || IsToAsk(answers[b])) {
        plan_.games_at_most += 2;
        continue;
      }
      // One that failed and stays so has no games.
      if (answers[a]->state != WorkState::kDone || answers[b]->state != WorkState::kDone) continue;
      const Key text_a = TextKey(answers[a]->turns);
      const Key text_b = TextKey(answers[b]->turns);
      keys.push_back(GameKey(instruction, text_a, text_b, judge_key_, 0));
      keys.push_back(GameKey(instruction, text_b, text_a, judge_key_, 0));
    }
    if (keys.empty()) return {};
    ARENA_ASSIGN_OR_RETURN(const auto games, store_->GetGames(keys));
    for (const auto& game : games) {
      const bool is_done = game && game->state == WorkState::kDone;
      const bool is_to_judge = !game || (!is_done && options_.retry_failed);
      plan_.games_at_most += is_to_judge ? 1 : 0;
    }
    return {};
  }

  Store* store_;
  std::span<ChatModel* const> models_;
  const Key judge_key_;
  const BattleRunOptions& options_;
  Ask ask_;
  Lineup lineup_;
  BattlePlan plan_;
};

}  // namespace

Result<BattlePlan> PlanBattles(Store* store, InstructionStream instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const BattleRunOptions& options,
                               FunctionRef<void(std::size_t, const Instruction&)> ask) {
  Planner planner(store, models, judge, options, ask);
  ARENA_RETURN_IF_ERROR(planner.Prepare());
  ARENA_ASSIGN_OR_RETURN(InstructionChoice choice, ChooseInstructions(instructions, options));
  ARENA_RETURN_IF_ERROR(instructions([&](Instruction&& instruction) -> Status {
    if (choice.keys.erase(instruction.key) == 0) return {};
    return planner.Add(instruction);
  }));
  return planner.plan();
}

}  // namespace arena
