#include "battle/adaptive.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "battle/internal/instruction_choice.h"
#include "battle/internal/lineup.h"
#include "battle/pairing.h"
#include "rating/next_games.h"
#include "rating/rate.h"

namespace arena {
namespace {

constexpr std::size_t kFirstInstructions = 4;  // on which every pair meets in the first round
constexpr std::size_t kGrowth = 10;            // a round is a tenth of what was played
constexpr double kShrinkage = 0.5;             // so that few games do not look like certainty

// Which battles are chosen: a pair's are on the first of the instructions, in their order.
class Choice {
 public:
  Choice(std::vector<Key> order, std::vector<std::pair<std::size_t, std::size_t>> pairs)
      : order_(std::move(order)), pairs_(std::move(pairs)), taken_(pairs_.size(), 0) {
    for (std::size_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = i;
  }

  const std::vector<std::pair<std::size_t, std::size_t>>& pairs() const { return pairs_; }
  std::size_t chosen() const {
    std::size_t sum = 0;
    for (const std::size_t count : taken_) sum += count;
    return sum;
  }
  /// How many instructions are in a chosen battle.
  std::size_t instructions() const { return *std::max_element(taken_.begin(), taken_.end()); }
  std::size_t Left(std::size_t pair) const { return order_.size() - taken_[pair]; }

  /// Begins a round.
  void Begin() { before_ = taken_; }
  /// Adds the next `count` battles of the pair.
  void Take(std::size_t pair, std::size_t count) { taken_[pair] += std::min(count, Left(pair)); }
  bool IsInRound(const Key& instruction, std::size_t pair) const {
    const auto found = rank_.find(instruction);
    return found != rank_.end() && before_[pair] <= found->second && found->second < taken_[pair];
  }
  bool IsChosen(const Key& instruction, std::size_t pair) const {
    const auto found = rank_.find(instruction);
    return found != rank_.end() && found->second < taken_[pair];
  }

 private:
  const std::vector<Key> order_;
  const std::vector<std::pair<std::size_t, std::size_t>> pairs_;
  std::unordered_map<Key, std::size_t, KeyHash> rank_;
  std::vector<std::size_t> taken_;   // by pair
  std::vector<std::size_t> before_;  // when the round began
};

class AdaptiveRun {
 public:
  AdaptiveRun(Store& store, InstructionStream instructions, std::span<ChatModel* const> models,
              Judge& judge, const AdaptiveOptions& options, Choice choice,
              FunctionRef<void(const AdaptiveProgress&)> show)
      : store_(store),
        instructions_(instructions),
        models_(models),
        judge_(judge),
        options_(options),
        choice_(std::move(choice)),
        show_(show) {}

  Result<AdaptiveProgress> Play() {
    choice_.Begin();
    for (std::size_t pair = 0; pair < choice_.pairs().size(); ++pair) {
      progress_.run.battles_total += static_cast<std::int64_t>(choice_.Left(pair));
      choice_.Take(pair, kFirstInstructions);
    }
    while (true) {
      ARENA_RETURN_IF_ERROR(PlayRound());
      if (progress_.run.interrupted) return progress_;
      ++progress_.rounds;
      ARENA_ASSIGN_OR_RETURN(const Dataset data, ReadChosen());
      if (data.battles() == data.void_battles()) return progress_;  // nothing but failures
      ARENA_RETURN_IF_ERROR(MeasureWidth(data));
      show_(progress_);
      if (progress_.width <= options_.width) return progress_;
      const std::size_t before = choice_.chosen();
      ARENA_RETURN_IF_ERROR(ChooseRound(data));
      if (choice_.chosen() == before) return progress_;  // all is played
    }
  }

 private:
  Status PlayRound() {
    BattleRunOptions options = options_.battles;
    options.wants = [this](const Key& instruction, std::size_t pair) {
      return choice_.IsInRound(instruction, pair);
    };
    const BattleRunProgress before = progress_.run;
    const auto add = [&](const BattleRunProgress& round) {
      BattleRunProgress sum = before;
      sum.Add(round);
      sum.instructions = static_cast<std::int64_t>(choice_.instructions());
      sum.battles_total = before.battles_total;
      sum.duplicate_instructions = round.duplicate_instructions;
      progress_.run = std::move(sum);
    };
    ARENA_ASSIGN_OR_RETURN(const BattleRunProgress round,
                           RunBattles(store_, instructions_, models_, judge_, options,
                                      [&](const BattleRunProgress& now) {
                                        add(now);
                                        show_(progress_);
                                      }));
    add(round);
    return {};
  }

  // The battles that were chosen so far; what else a store holds is not looked at, so that the same
  // rounds follow.
  Result<Dataset> ReadChosen() {
    std::unordered_map<std::string, std::size_t> pair_of;
    const auto name_of = [](const std::string& a, const std::string& b) { return a + "\n" + b; };
    for (std::size_t pair = 0; pair < choice_.pairs().size(); ++pair) {
      const auto& [a, b] = choice_.pairs()[pair];
      const std::string& name_a = models_[a]->contestant().name;
      const std::string& name_b = models_[b]->contestant().name;
      pair_of[name_of(name_a, name_b)] = pair;
      pair_of[name_of(name_b, name_a)] = pair;
    }
    Dataset data(DatasetOptions{.outcome = options_.outcome});
    battles_.assign(choice_.pairs().size(), 0);
    ARENA_RETURN_IF_ERROR(store_.ForEachBattle(
        {.judge = judge_.identity().name}, [&](const BattleRecord& battle) -> Status {
          const auto pair =
              pair_of.find(name_of(std::string(battle.model_a), std::string(battle.model_b)));
          const auto instruction = Key::FromHex(battle.instruction);
          if (pair == pair_of.end() || !instruction) return {};
          if (!choice_.IsChosen(*instruction, pair->second)) return {};
          const std::int64_t voids = data.void_battles();
          ARENA_RETURN_IF_ERROR(data.Add(battle));
          if (data.void_battles() == voids) ++battles_[pair->second];
          return {};
        }));
    return data;
  }

  Status MeasureWidth(const Dataset& data) {
    ARENA_ASSIGN_OR_RETURN(const Board board, Rate(data, {}));
    double sum = 0;
    for (const BoardRow& row : board.contestants) sum += row.upper - row.lower;
    progress_.width = sum / static_cast<double>(board.contestants.size());
    return {};
  }

  Status ChooseRound(const Dataset& data) {
    RatingOptions shrunk;
    shrunk.scale = 1;
    shrunk.base = std::exp(1.0);
    shrunk.ridge = kShrinkage;
    ARENA_ASSIGN_OR_RETURN(const Board board, Rate(data, shrunk));
    const std::size_t size = models_.size();
    PlayedGames played{.strengths = std::vector<double>(size, 0),
                       .games = std::vector(size, std::vector<double>(size, 0)),
                       .left = std::vector(size, std::vector<double>(size, 0))};
    for (std::size_t i = 0; i < size; ++i) {
      for (const BoardRow& row : board.contestants) {
        if (row.name == models_[i]->contestant().name) played.strengths[i] = row.rating;
      }
    }
    std::vector<std::vector<std::size_t>> pair_at(size, std::vector<std::size_t>(size, 0));
    for (std::size_t pair = 0; pair < choice_.pairs().size(); ++pair) {
      const auto& [a, b] = choice_.pairs()[pair];
      played.games[a][b] = played.games[b][a] = static_cast<double>(battles_[pair]);
      played.left[a][b] = played.left[b][a] = static_cast<double>(choice_.Left(pair));
      pair_at[a][b] = pair_at[b][a] = pair;
    }
    const std::size_t count = std::max(choice_.pairs().size(), choice_.chosen() / kGrowth);
    ARENA_ASSIGN_OR_RETURN(const auto games, ChooseNextGames(played, count));
    choice_.Begin();
    for (const NextGame& game : games) choice_.Take(pair_at[game.a][game.b], 1);
    return {};
  }

  Store& store_;
  const InstructionStream instructions_;
  const std::span<ChatModel* const> models_;
  Judge& judge_;
  const AdaptiveOptions& options_;
  Choice choice_;
  const FunctionRef<void(const AdaptiveProgress&)> show_;
  std::vector<std::int64_t> battles_;  // that count, by pair
  AdaptiveProgress progress_;
};

}  // namespace

Result<AdaptiveProgress> RunAdaptiveBattles(Store& store, InstructionStream instructions,
                                            std::span<ChatModel* const> models, Judge& judge,
                                            const AdaptiveOptions& options,
                                            FunctionRef<void(const AdaptiveProgress&)> progress) {
  if (!(options.width > 0)) return InvalidInput("the wished width of intervals must be above 0");
  ARENA_ASSIGN_OR_RETURN(const Lineup lineup, MakeLineup(models, options.battles.pairing));
  ARENA_ASSIGN_OR_RETURN(const InstructionChoice all,
                         ChooseInstructions(instructions, options.battles));
  KeySample order(all.keys.size(), options.battles.seed);
  for (const Key& key : all.keys) order.Offer(key);
  Choice choice(order.Take(), lineup.pairs);
  return AdaptiveRun(store, instructions, models, judge, options, std::move(choice), progress)
      .Play();
}

}  // namespace arena
