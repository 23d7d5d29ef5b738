#include "battle/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::size_t kFailuresKept = 20;

/// One run: the state that its chunks share. Used from one thread; the parallel parts write to
/// slots of their own.
class Run {
 public:
  Run(Store& store, std::span<ChatModel* const> models, Judge& judge,
      const BattleRunOptions& options)
      : store_(store), models_(models), judge_(judge), options_(options) {}

  Status Prepare();
  Status Select(InstructionStream instructions);
  Status Play(InstructionStream instructions, FunctionRef<void(const BattleRunProgress&)> progress);
  BattleRunProgress& progress() { return progress_; }

 private:
  /// A game of the chunk that must be played: the first battle that needs it names it.
  struct PendingGame {
    Key key;
    std::size_t instruction;
    const Answer* first;
    const Answer* second;
  };
  /// The answers of one chunk: instruction i by contestant m at [i * models + m].
  using Answers = std::vector<Answer>;
  using Games = std::unordered_map<Key, Game, KeyHash>;

  bool Wanted(const Instruction& instruction) const;
  Status PlayChunk(const std::vector<Instruction>& chunk);
  Result<Answers> CollectAnswers(const std::vector<Instruction>& chunk);
  using StoredAnswers = std::vector<std::optional<Answer>>;
  Status AskFor(const std::vector<Instruction>& chunk, std::size_t p,
                std::vector<std::size_t> slots, StoredAnswers& answers);
  std::vector<Battle> MakeBattles(const std::vector<Instruction>& chunk, const Answers& answers);
  Result<Games> LoadGames(const std::vector<Battle>& battles);
  std::vector<PendingGame> FindPending(const std::vector<Battle>& battles, const Answers& answers,
                                       const Games& stored) const;
  Result<std::vector<Game>> PlayGames(const std::vector<Instruction>& chunk,
                                      const std::vector<PendingGame>& pending);
  /// Adds the chunk to the progress. Returns the battles that are finished.
  std::vector<Battle> Count(const std::vector<Battle>& battles, const Games& stored,
                            const std::vector<Game>& played);
  void NoteFailure(std::string line);

  Store& store_;
  std::span<ChatModel* const> models_;
  Judge& judge_;
  const BattleRunOptions& options_;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;
  std::vector<std::size_t> playing_;  // the contestants that are in a pair
  Key judge_key_;
  std::unordered_set<Key, KeyHash> selected_;
  BattleRunProgress progress_;
};

Status Run::Prepare() {
  std::vector<std::string> names;
  for (const ChatModel* model : models_) names.push_back(model->contestant().name);
  ARENA_ASSIGN_OR_RETURN(pairs_, MakePairs(names, options_.pairing));
  std::vector<bool> plays(models_.size());
  for (auto& [a, b] : pairs_) {
    const Key key_a = models_[a]->contestant().key();
    const Key key_b = models_[b]->contestant().key();
    if (key_a == key_b) {
      return InvalidInput(fmt::format(
          "\"{}\" and \"{}\" are the same contestant: nothing that can change an answer differs",
          names[a], names[b]));
    }
    if (key_b < key_a) std::swap(a, b);
    plays[a] = plays[b] = true;
  }
  for (std::size_t m = 0; m < plays.size(); ++m) {
    if (plays[m]) playing_.push_back(m);
  }
  for (const std::size_t m : playing_) {
    ARENA_RETURN_IF_ERROR(store_.PutContestant(models_[m]->contestant()));
  }
  judge_key_ = judge_.identity().key();
  return store_.PutJudge(judge_.identity());
}

bool Run::Wanted(const Instruction& instruction) const {
  return options_.categories.empty() ||
         std::find(options_.categories.begin(), options_.categories.end(), instruction.category) !=
             options_.categories.end();
}

Status Run::Select(InstructionStream instructions) {
  KeySample sample(options_.sample, options_.seed);
  ARENA_RETURN_IF_ERROR(instructions([&](Instruction&& instruction) -> Status {
    if (!Wanted(instruction)) return {};
    if (!selected_.insert(instruction.key).second) {
      ++progress_.duplicate_instructions;
    } else {
      sample.Offer(instruction.key);
    }
    return {};
  }));
  if (options_.sample > 0) {
    const auto drawn = sample.Take();
    selected_ = {drawn.begin(), drawn.end()};
  }
  if (selected_.empty()) {
    return InvalidInput("no instruction is left to play; check the files and the categories");
  }
  progress_.instructions = static_cast<std::int64_t>(selected_.size());
  progress_.battles_total = progress_.instructions * static_cast<std::int64_t>(pairs_.size());
  return {};
}

Status Run::Play(InstructionStream instructions,
                 FunctionRef<void(const BattleRunProgress&)> progress) {
  std::vector<Instruction> chunk;
  const auto finish_chunk = [&]() -> Status {
    if (chunk.empty()) return {};
    ARENA_RETURN_IF_ERROR(PlayChunk(chunk));
    chunk.clear();
    progress(progress_);
    return {};
  };
  // Stopping early is not an error of the stream: the flag tells it from one.
  const Error stop = Cancelled("stopped by the user");
  Status read = instructions([&](Instruction&& instruction) -> Status {
    // Each selected instruction is played at its first appearance.
    if (!Wanted(instruction) || selected_.erase(instruction.key) == 0) return {};
    chunk.push_back(std::move(instruction));
    if (chunk.size() < options_.chunk) return {};
    ARENA_RETURN_IF_ERROR(finish_chunk());
    if (progress_.interrupted) return stop;
    return {};
  });
  if (!read.ok() && !progress_.interrupted) return read;
  if (!progress_.interrupted) ARENA_RETURN_IF_ERROR(finish_chunk());
  return store_.Flush();
}

Status Run::PlayChunk(const std::vector<Instruction>& chunk) {
  ARENA_RETURN_IF_ERROR(store_.PutInstructions(chunk));
  ARENA_ASSIGN_OR_RETURN(const Answers answers, CollectAnswers(chunk));
  if (Interrupted()) {
    progress_.interrupted = true;
    return {};
  }
  const std::vector<Battle> battles = MakeBattles(chunk, answers);
  ARENA_ASSIGN_OR_RETURN(const Games stored, LoadGames(battles));
  const auto pending = FindPending(battles, answers, stored);
  ARENA_ASSIGN_OR_RETURN(const std::vector<Game> played, PlayGames(chunk, pending));
  ARENA_RETURN_IF_ERROR(store_.PutGames(played));
  ARENA_RETURN_IF_ERROR(store_.PutBattles(Count(battles, stored, played)));
  if (Interrupted()) progress_.interrupted = true;
  return {};
}

Result<Run::Answers> Run::CollectAnswers(const std::vector<Instruction>& chunk) {
  std::vector<Key> keys;
  for (const Instruction& instruction : chunk) {
    for (const std::size_t m : playing_) {
      keys.push_back(AnswerKey(models_[m]->contestant().key(), instruction.key, 0));
    }
  }
  ARENA_ASSIGN_OR_RETURN(auto stored, store_.GetAnswers(keys));
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const bool failed = stored[i] && stored[i]->state != WorkState::kDone;
    if (!stored[i] || (failed && options_.retry_failed)) missing.push_back(i);
  }
  for (std::size_t p = 0; p < playing_.size(); ++p) {
    std::vector<std::size_t> of_model;
    for (const std::size_t slot : missing) {
      if (slot % playing_.size() == p) of_model.push_back(slot);
    }
    ARENA_RETURN_IF_ERROR(AskFor(chunk, p, of_model, stored));
  }
  Answers answers(chunk.size() * models_.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (!stored[i]) continue;
    const std::size_t m = playing_[i % playing_.size()];
    if (stored[i]->state == WorkState::kFailed) {
      ++progress_.failed_answers;
      NoteFailure(fmt::format("answer of {}: {}", models_[m]->contestant().name, stored[i]->error));
    }
    answers[i / playing_.size() * models_.size() + m] = std::move(*stored[i]);
  }
  return answers;
}

// Asks the model at playing_[p] for the answers at `slots`, stores them and puts them into
// `answers`.
Status Run::AskFor(const std::vector<Instruction>& chunk, std::size_t p,
                   std::vector<std::size_t> slots, StoredAnswers& answers) {
  if (slots.empty()) return {};
  ChatModel& model = *models_[playing_[p]];
  if (model.answers_as_unit()) {
    // The chunk as a whole; what is stored already stays as it is.
    slots.clear();
    for (std::size_t i = 0; i < chunk.size(); ++i) slots.push_back(i * playing_.size() + p);
  }
  std::vector<const Instruction*> instructions;
  for (const std::size_t slot : slots) instructions.push_back(&chunk[slot / playing_.size()]);
  auto fresh = model.RespondAll(instructions, 0, options_.threads);
  std::vector<Answer> to_store;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!fresh[i]) continue;  // interrupted before it was asked
    if (!fresh[i]->ok()) return fresh[i]->error();
    std::optional<Answer>& stored = answers[slots[i]];
    const bool is_done = stored && stored->state == WorkState::kDone;
    const bool failed_before = stored && !is_done && !options_.retry_failed;
    if (is_done || failed_before) continue;
    to_store.push_back(**fresh[i]);
    stored = std::move(**fresh[i]);
  }
  return store_.PutAnswers(to_store);
}

std::vector<Battle> Run::MakeBattles(const std::vector<Instruction>& chunk,
                                     const Answers& answers) {
  std::vector<Key> texts(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) texts[i] = TextKey(answers[i].turns);
  std::vector<Battle> battles;
  battles.reserve(chunk.size() * pairs_.size());
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    for (const auto& [a, b] : pairs_) {
      const std::size_t slot_a = i * models_.size() + a;
      const std::size_t slot_b = i * models_.size() + b;
      Battle battle;
      battle.instruction = chunk[i].key;
      battle.contestant_a = answers[slot_a].contestant;
      battle.contestant_b = answers[slot_b].contestant;
      battle.answer_a = answers[slot_a].key;
      battle.answer_b = answers[slot_b].key;
      battle.judge = judge_key_;
      battle.key = BattleKey(battle.answer_a, battle.answer_b, judge_key_, 0);
      const bool answered =
          answers[slot_a].state == WorkState::kDone && answers[slot_b].state == WorkState::kDone;
      // Without both answers there is no game: the zero keys name none and the battle is void.
      if (answered) {
        battle.game_ab = GameKey(chunk[i], texts[slot_a], texts[slot_b], judge_key_, 0);
        battle.game_ba = GameKey(chunk[i], texts[slot_b], texts[slot_a], judge_key_, 0);
      }
      battles.push_back(battle);
    }
  }
  return battles;
}

Result<Run::Games> Run::LoadGames(const std::vector<Battle>& battles) {
  std::vector<Key> keys;
  keys.reserve(battles.size() * 2);
  for (const Battle& battle : battles) {
    if (battle.game_ab == Key{}) continue;
    keys.push_back(battle.game_ab);
    keys.push_back(battle.game_ba);
  }
  ARENA_ASSIGN_OR_RETURN(auto rows, store_.GetGames(keys));
  Games games;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (rows[i]) games.emplace(keys[i], std::move(*rows[i]));
  }
  return games;
}

std::vector<Run::PendingGame> Run::FindPending(const std::vector<Battle>& battles,
                                               const Answers& answers, const Games& stored) const {
  std::vector<PendingGame> pending;
  std::unordered_set<Key, KeyHash> seen;
  const auto need = [&](const Key& key, std::size_t instruction, const Answer& first,
                        const Answer& second) {
    const auto found = stored.find(key);
    if (found != stored.end()) {
      const bool failed = found->second.state != WorkState::kDone;
      if (!failed || !options_.retry_failed) return;
    }
    if (seen.insert(key).second) pending.push_back({key, instruction, &first, &second});
  };
  for (std::size_t n = 0; n < battles.size(); ++n) {
    if (battles[n].game_ab == Key{}) continue;
    const std::size_t instruction = n / pairs_.size();
    const auto& [a, b] = pairs_[n % pairs_.size()];
    const Answer& answer_a = answers[instruction * models_.size() + a];
    const Answer& answer_b = answers[instruction * models_.size() + b];
    need(battles[n].game_ab, instruction, answer_a, answer_b);
    need(battles[n].game_ba, instruction, answer_b, answer_a);
  }
  return pending;
}

Result<std::vector<Game>> Run::PlayGames(const std::vector<Instruction>& chunk,
                                         const std::vector<PendingGame>& pending) {
  std::vector<std::optional<Result<Game>>> slots(pending.size());
  const unsigned threads = judge_.games_at_once() > 0 ? judge_.games_at_once() : options_.threads;
  ParallelFor(pending.size(), threads, [&](std::size_t i) {
    if (Interrupted()) return;
    const PendingGame& game = pending[i];
    slots[i] = judge_.Play({chunk[game.instruction], game.first->turns, game.second->turns});
  });
  std::vector<Game> played;
  played.reserve(pending.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i]) continue;  // interrupted before it was played
    if (!slots[i]->ok() && slots[i]->error().code == ErrorCode::kCancelled) {
      progress_.interrupted = true;  // between two calls of one game
      continue;
    }
    if (!slots[i]->ok()) return slots[i]->error();
    Game game = std::move(**slots[i]);
    game.key = pending[i].key;
    game.judge = judge_key_;
    played.push_back(std::move(game));
  }
  return played;
}

std::vector<Battle> Run::Count(const std::vector<Battle>& battles, const Games& stored,
                               const std::vector<Game>& played) {
  std::unordered_set<Key, KeyHash> fresh;
  std::unordered_set<Key, KeyHash> failed;
  for (const Game& game : played) {
    fresh.insert(game.key);
    if (game.state == WorkState::kFailed) {
      failed.insert(game.key);
      NoteFailure(fmt::format("game {}: {}", game.key.Hex().substr(0, 12), game.error));
    }
  }
  for (const auto& [key, game] : stored) {
    if (game.state == WorkState::kDone || fresh.contains(key)) continue;
    failed.insert(key);
    NoteFailure(fmt::format("game {}: {}", key.Hex().substr(0, 12), game.error));
  }
  progress_.games_played += static_cast<std::int64_t>(played.size());
  progress_.failed_games += static_cast<std::int64_t>(failed.size());
  const auto finished = [&](const Key& key) {
    return key == Key{} || fresh.contains(key) || stored.contains(key);
  };
  std::vector<Battle> complete;
  for (const Battle& battle : battles) {
    if (!finished(battle.game_ab) || !finished(battle.game_ba)) continue;
    complete.push_back(battle);
    ++progress_.battles_finished;
    const bool is_new = fresh.contains(battle.game_ab) || fresh.contains(battle.game_ba);
    if (!is_new) ++progress_.battles_kept;
  }
  return complete;
}

void Run::NoteFailure(std::string line) {
  if (progress_.failures.size() < kFailuresKept) progress_.failures.push_back(std::move(line));
}

}  // namespace

Result<BattleRunProgress> RunBattles(Store& store, InstructionStream instructions,
                                     std::span<ChatModel* const> models, Judge& judge,
                                     const BattleRunOptions& options,
                                     FunctionRef<void(const BattleRunProgress&)> progress) {
  Run run(store, models, judge, options);
  ARENA_RETURN_IF_ERROR(run.Prepare());
  ARENA_RETURN_IF_ERROR(run.Select(instructions));
  ARENA_RETURN_IF_ERROR(run.Play(instructions, progress));
  return run.progress();
}

}  // namespace arena
