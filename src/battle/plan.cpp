#include "battle/plan.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "battle/internal/instruction_choice.h"
#include "battle/internal/lineup.h"

namespace arena {
namespace {

constexpr std::size_t kUsualBytes = 2000;  // of an answer of which nothing is known

/// Goes through the instructions one at a time. For one thread.
class Planner {
 public:
  Planner(Store* store, std::span<ChatModel* const> models, Judge& judge,
          const BattleRunOptions& options)
      : store_(store),
        models_(models),
        judge_(judge),
        judge_key_(judge.identity().key()),
        options_(options) {}

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
      plan_.contestants.Add(models_[m]->EstimateOf(instruction));
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
    std::vector<std::pair<std::size_t, std::size_t>> seats;  // of the keys
    for (const auto& [a, b] : lineup_.pairs) {
      if (IsToAsk(answers[a]) || IsToAsk(answers[b])) {
        AddGame(instruction, answers, a, b);
        AddGame(instruction, answers, b, a);
        continue;
      }
      // One that failed and stays so has no games.
      if (answers[a]->state != WorkState::kDone || answers[b]->state != WorkState::kDone) continue;
      const Key text_a = TextKey(answers[a]->turns);
      const Key text_b = TextKey(answers[b]->turns);
      keys.push_back(GameKey(instruction, text_a, text_b, judge_key_, 0));
      keys.push_back(GameKey(instruction, text_b, text_a, judge_key_, 0));
      seats.emplace_back(a, b);
      seats.emplace_back(b, a);
    }
    if (keys.empty()) return {};
    ARENA_ASSIGN_OR_RETURN(const auto games, store_->GetGames(keys));
    for (std::size_t i = 0; i < games.size(); ++i) {
      const bool is_done = games[i] && games[i]->state == WorkState::kDone;
      const bool is_to_judge = !games[i] || (!is_done && options_.retry_failed);
      if (is_to_judge) AddGame(instruction, answers, seats[i].first, seats[i].second);
    }
    return {};
  }

  void AddGame(const Instruction& instruction, const StoredAnswers& answers, std::size_t first,
               std::size_t second) {
    ++plan_.games_at_most;
    plan_.judge.Add(judge_.EstimateOf({instruction, LikelyTurns(instruction, answers, first),
                                       LikelyTurns(instruction, answers, second)}));
  }

  // The stored answer's texts, or texts as long as they may become.
  std::vector<std::string> LikelyTurns(const Instruction& instruction, const StoredAnswers& answers,
                                       std::size_t m) const {
    if (answers[m] && !answers[m]->turns.empty()) return answers[m]->turns;
    const std::size_t turns = OpenTurns(instruction);
    const CallEstimate estimate = models_[m]->EstimateOf(instruction);
    if (estimate.calls > 0) {
      const auto bytes = static_cast<std::size_t>(kBytesPerToken * estimate.most_completion_tokens);
      return std::vector<std::string>(turns, std::string(bytes / turns, 'x'));
    }
    if (!models_[m]->answers_as_unit()) {  // what is recorded is there without a call
      if (const auto answer = models_[m]->Respond(instruction, 0);
          answer.ok() && answer->turns.size() == turns) {
        return answer->turns;
      }
    }
    return std::vector<std::string>(turns, std::string(kUsualBytes, 'x'));
  }

  Store* store_;
  std::span<ChatModel* const> models_;
  Judge& judge_;
  const Key judge_key_;
  const BattleRunOptions& options_;
  Lineup lineup_;
  BattlePlan plan_;
};

}  // namespace

Result<BattlePlan> PlanBattles(Store* store, InstructionStream instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const BattleRunOptions& options) {
  Planner planner(store, models, judge, options);
  ARENA_RETURN_IF_ERROR(planner.Prepare());
  ARENA_ASSIGN_OR_RETURN(InstructionChoice choice, ChooseInstructions(instructions, options));
  ARENA_RETURN_IF_ERROR(instructions([&](Instruction&& instruction) -> Status {
    if (choice.keys.erase(instruction.key) == 0) return {};
    return planner.Add(instruction);
  }));
  return planner.plan();
}

}  // namespace arena
