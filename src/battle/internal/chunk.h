// Playing the battles on some instructions: asking and judging side by side.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "battle/run.h"
#include "core/battle.h"

namespace arena {

/// Whether the pair meets on the instruction.
inline bool Wants(const BattleRunOptions& options, const Key& instruction, std::size_t pair) {
  return options.wants == nullptr || options.wants(instruction, pair);
}

/// What all chunks of a run share; constant while it runs.
struct ChunkSetting {
  Store& store;
  std::span<ChatModel* const> models;
  Judge& judge;
  Key judge_key;
  const BattleRunOptions& options;
  /// Indices into `models`; the first of a pair has the smaller key.
  std::span<const std::pair<std::size_t, std::size_t>> pairs;
  std::span<const std::size_t> playing;  ///< the models that are in a pair
};

/// A game is judged as soon as both answers are there; each answer and game is put into the store
/// when it comes. Contestants that answer as a unit are asked for the chunk as a whole.
class ChunkPlay {
 public:
  ChunkPlay(const ChunkSetting& setting, std::span<const Instruction> chunk);

  struct Counts {
    std::int64_t answers = 0;  ///< asked for
    std::int64_t games = 0;    ///< judged
  };
  /// Returns when all is played, or after the user's interrupt, or a cap on cost, when all that was
  /// under way has ended. `tick` is called from this thread every now and then. Errors: those of
  /// the store, contestants and judge.
  Status Play(FunctionRef<void(const Counts&)> tick);

  // After Play().
  const Counts& counts() const { return counts_; }
  /// Why not all was played; empty: it was.
  const std::string& stopped() const { return stopped_; }
  /// Adds what is finished to the progress and returns those battles.
  std::vector<Battle> Finish(BattleRunProgress& progress) const;

 private:
  struct Meeting {
    std::size_t instruction;
    std::size_t slot_a;
    std::size_t slot_b;
    int waiting = 2;  // answers that are not there yet
  };
  struct PendingGame {
    Key key;
    std::size_t instruction;
    std::size_t first;  // slots
    std::size_t second;
    int attempts = 0;  // of an earlier run, which failed, and what they took
    Usage usage = {};
  };

  std::size_t SlotOf(std::size_t instruction, std::size_t model) const;
  void OpenMeetings();
  Status LoadAnswers();
  std::vector<std::size_t> MissingOf(std::size_t p) const;
  bool IsStopped();
  void StopWith(const Error& error);

  // On threads of their own.
  void AskOneByOne(std::size_t p, const std::vector<std::size_t>& slots, std::size_t& next);
  void AskAsUnit(std::size_t p);
  void TakeAnswer(std::size_t slot, Answer&& answer);
  void SetAnswer(std::size_t slot, Answer&& answer);
  void JudgeGames();
  Status FindGames(const std::vector<const Meeting*>& ready);
  void JudgeOne(const PendingGame& pending);

  Battle BattleOf(const Meeting& meeting) const;
  void CountAnswers(BattleRunProgress& progress) const;
  void CountGame(const Key& key, std::unordered_set<Key, KeyHash>& seen,
                 BattleRunProgress& progress) const;

  const ChunkSetting& setting_;
  const std::span<const Instruction> chunk_;
  std::vector<Meeting> meetings_;
  std::vector<std::vector<std::size_t>> meetings_of_;  // by slot; constant

  std::mutex mutex_;
  std::condition_variable work_;   // for the judging threads
  std::condition_variable ended_;  // for Play()
  // Guarded by mutex_. An answer that is there does not change any more.
  std::vector<std::optional<Answer>> answers_;  // [instruction * playing + p]
  std::vector<Key> texts_;
  std::vector<std::optional<Answer>> earlier_;  // failed before, asked again now
  std::deque<const Meeting*> ready_;
  std::deque<PendingGame> pending_;
  std::unordered_set<Key, KeyHash> queued_;
  std::unordered_map<Key, Game, KeyHash> games_;  // stored before, or judged now
  std::unordered_set<Key, KeyHash> fresh_;
  Counts counts_;
  std::size_t asking_ = 0;   // threads
  std::size_t judging_ = 0;  // threads
  std::size_t finding_ = 0;  // of the judging threads, those that may add to pending_
  bool is_stopped_ = false;
  std::string stopped_;
  std::optional<Error> error_;
};

}  // namespace arena
