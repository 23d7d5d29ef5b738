#include "battle/run.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>

#include "battle/internal/chunk.h"
#include "battle/internal/instruction_choice.h"
#include "battle/internal/lineup.h"

namespace arena {
namespace {

constexpr std::size_t kFailuresListed = 20;

// Enough for those who work on many at once: the last of a chunk are waited for.
constexpr std::size_t kRoundsInChunk = 8;

/// One run: the state that its chunks share. Used from one thread.
class Run {
 public:
  Run(Store& store, std::span<ChatModel* const> models, Judge& judge,
      const BattleRunOptions& options)
      : store_(store), models_(models), judge_(judge), options_(options) {}

  Status Prepare();
  Status Select(InstructionStream instructions);
  using Show = FunctionRef<void(const BattleRunProgress&)>;
  Status Play(InstructionStream instructions, Show progress);
  BattleRunProgress& progress() { return progress_; }

 private:
  std::size_t ChunkSize() const;
  Status PlayChunk(const std::vector<Instruction>& chunk, Show progress);

  Store& store_;
  std::span<ChatModel* const> models_;
  Judge& judge_;
  const BattleRunOptions& options_;
  Lineup lineup_;
  Key judge_key_;
  std::unordered_set<Key, KeyHash> selected_;
  BattleRunProgress progress_;
};

Status Run::Prepare() {
  ARENA_ASSIGN_OR_RETURN(lineup_, MakeLineup(models_, options_.pairing));
  for (const std::size_t m : lineup_.playing) {
    ARENA_RETURN_IF_ERROR(store_.PutContestant(models_[m]->contestant()));
  }
  judge_key_ = judge_.identity().key();
  return store_.PutJudge(judge_.identity());
}

Status Run::Select(InstructionStream instructions) {
  ARENA_ASSIGN_OR_RETURN(InstructionChoice choice, ChooseInstructions(instructions, options_));
  progress_.duplicate_instructions = choice.duplicates;
  for (const Key& key : choice.keys) {
    std::int64_t battles = 0;
    for (std::size_t pair = 0; pair < lineup_.pairs.size(); ++pair) {
      battles += Wants(options_, key, pair) ? 1 : 0;
    }
    if (battles == 0) continue;
    selected_.insert(key);
    progress_.battles_total += battles;
  }
  progress_.instructions = static_cast<std::int64_t>(selected_.size());
  return {};
}

// What runs as a unit is part of what it answers, so its size stays as it is.
std::size_t Run::ChunkSize() const {
  std::size_t at_once = judge_.games_at_once() / (2 * lineup_.pairs.size());
  for (const std::size_t m : lineup_.playing) {
    if (models_[m]->answers_as_unit()) return options_.chunk;
    at_once = std::max<std::size_t>(at_once, models_[m]->answers_at_once());
  }
  return std::max(options_.chunk, kRoundsInChunk * at_once);
}

Status Run::Play(InstructionStream instructions, Show progress) {
  const std::size_t chunk_size = ChunkSize();
  std::vector<Instruction> chunk;
  const auto finish_chunk = [&]() -> Status {
    if (chunk.empty()) return {};
    ARENA_RETURN_IF_ERROR(PlayChunk(chunk, progress));
    chunk.clear();
    progress(progress_);
    return {};
  };
  // Stopping early is not an error of the stream: the flag tells it from one.
  const Error stop = Cancelled("stopped");
  Status read = instructions([&](Instruction&& instruction) -> Status {
    // Each selected instruction is played at its first appearance.
    if (selected_.erase(instruction.key) == 0) return {};
    chunk.push_back(std::move(instruction));
    if (chunk.size() < chunk_size) return {};
    ARENA_RETURN_IF_ERROR(finish_chunk());
    if (progress_.interrupted) return stop;
    return {};
  });
  if (!read.ok() && !progress_.interrupted) return read;
  if (!progress_.interrupted) ARENA_RETURN_IF_ERROR(finish_chunk());
  return store_.Flush();
}

Status Run::PlayChunk(const std::vector<Instruction>& chunk, Show progress) {
  const ChunkSetting setting{store_,   models_,       judge_,         judge_key_,
                             options_, lineup_.pairs, lineup_.playing};
  ChunkPlay play(setting, chunk);
  ARENA_RETURN_IF_ERROR(play.Play([&](const ChunkPlay::Counts& counts) {
    BattleRunProgress now = progress_;
    now.answers_asked += counts.answers;
    now.games_played += counts.games;
    progress(now);
  }));
  if (!play.stopped().empty()) {
    progress_.interrupted = true;
    progress_.stopped = play.stopped();
  }
  return store_.PutBattles(play.Finish(progress_));
}

}  // namespace

void BattleRunProgress::NoteFailure(std::string line) {
  if (failures.size() < kFailuresListed) failures.push_back(std::move(line));
}

void BattleRunProgress::Add(const BattleRunProgress& part) {
  instructions += part.instructions;
  battles_total += part.battles_total;
  battles_finished += part.battles_finished;
  battles_kept += part.battles_kept;
  answers_asked += part.answers_asked;
  games_played += part.games_played;
  failed_answers += part.failed_answers;
  failed_games += part.failed_games;
  duplicate_instructions += part.duplicate_instructions;
  interrupted = interrupted || part.interrupted;
  if (stopped.empty()) stopped = part.stopped;
  for (const std::string& line : part.failures) NoteFailure(line);
  for (const auto& [kind, count] : part.failed_by_kind) failed_by_kind[kind] += count;
}

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
