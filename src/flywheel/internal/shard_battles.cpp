#include "flywheel/internal/shard_battles.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "formats/answers.h"
#include "formats/instruction_scores.h"

namespace arena::flywheel_internal {
namespace {

constexpr std::size_t kBlock = 128;  // instructions that are answered together
constexpr double kHighestScore = 10;

// The blocks of one of `workers` threads.
std::vector<const Instruction*> ShareOf(std::span<const Instruction> instructions, unsigned workers,
                                        std::size_t worker) {
  std::vector<const Instruction*> share;
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    if (i / kBlock % workers == worker) share.push_back(&instructions[i]);
  }
  return share;
}

}  // namespace

Result<std::vector<Instruction>> ReadShard(const std::filesystem::path& file) {
  std::vector<Instruction> instructions;
  ARENA_ASSIGN_OR_RETURN(const InstructionFormat format, GuessInstructionFormat(file));
  ARENA_ASSIGN_OR_RETURN(const ReadReport report,
                         ReadInstructions(format, file, {}, [&](Instruction&& row) -> Status {
                           instructions.push_back(std::move(row));
                           return {};
                         }));
  if (report.rows == 0) return InvalidInput(fmt::format("{}: has no row", file.string()));
  return instructions;
}

Result<std::unordered_map<Key, double, KeyHash>> ReadTags(
    std::span<const std::filesystem::path> files) {
  std::unordered_map<Key, double, KeyHash> tags;
  for (const std::filesystem::path& file : files) {
    const auto add = [&](const Key& key, double count) -> Status {
      tags[key] = count;
      return {};
    };
    ARENA_ASSIGN_OR_RETURN(const ReadReport ignored, ReadInstructionScores(file, "tags", add));
  }
  return tags;
}

Result<std::int64_t> PlayShard(Store& store, std::span<const Instruction> instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const ShardPlay& play,
                               const std::function<void(std::int64_t, std::int64_t)>& on_progress) {
  const unsigned workers = play.workers;
  BattleRunOptions options;
  options.pairing = play.pairing;
  options.retry_failed = play.retry_failed;
  options.threads = 1;
  options.chunk = kBlock;
  std::mutex mutex;
  std::vector<BattleRunProgress> reached(workers);
  std::vector<std::optional<Result<BattleRunProgress>>> ends(workers);
  ParallelFor(workers, workers, [&](std::size_t worker) {
    const std::vector<const Instruction*> share = ShareOf(instructions, workers, worker);
    if (share.empty()) return;
    const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) -> Status {
      for (const Instruction* instruction : share) {
        ARENA_RETURN_IF_ERROR(sink(Instruction(*instruction)));
      }
      return {};
    };
    const auto follow = [&](const BattleRunProgress& now) {
      const std::lock_guard lock(mutex);
      reached[worker] = now;
      BattleRunProgress all;
      for (const BattleRunProgress& part : reached) all.Add(part);
      on_progress(all.battles_finished, all.battles_total);
    };
    ends[worker] = RunBattles(store, stream, models, judge, options, follow);
  });
  BattleRunProgress all;
  for (auto& end : ends) {
    if (!end) continue;
    if (!end->ok()) return end->error();
    all.Add(**end);
  }
  if (all.interrupted) return Cancelled(all.stopped);
  const auto failed = static_cast<double>(all.failed_answers + all.failed_games);
  if (failed > play.max_failures * static_cast<double>(all.battles_total)) {
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("{} answers and {} games of {} battles failed, the first: {}. Mend the "
                    "cause and run again with --retry-errors, or allow more with "
                    "flywheel.max_failures",
                    all.failed_answers, all.failed_games, all.battles_total,
                    all.failures.empty() ? "of an earlier run" : all.failures.front())};
  }
  return all.battles_total;
}

Result<std::unordered_map<Key, double, KeyHash>> MeasureDifficulty(Store& store,
                                                                   const std::string& target) {
  struct Scores {
    double sum = 0;
    int count = 0;
  };
  std::unordered_map<Key, Scores, KeyHash> scores;
  ARENA_RETURN_IF_ERROR(
      store.ForEachBattle({.involving = target}, [&](const BattleRecord& battle) -> Status {
        const auto instruction = Key::FromHex(battle.instruction);
        if (!instruction) return InternalError("a battle without its instruction's key");
        const bool other_is_a = battle.model_b == target;
        for (int i = 0; i < battle.game_count; ++i) {
          const GameOutcome& game = battle.games[static_cast<std::size_t>(i)];
          if (game.is_void || !game.has_scores) continue;
          Scores& of = scores[*instruction];
          of.sum += other_is_a ? game.score_a : game.score_b;
          ++of.count;
        }
        return {};
      }));
  std::unordered_map<Key, double, KeyHash> difficulty;
  for (const auto& [instruction, of] : scores) {
    difficulty[instruction] = kHighestScore - of.sum / of.count;
  }
  return difficulty;
}

Result<Answer> StoredContestant::Respond(const Instruction& instruction, int sample) {
  Answer answer;
  answer.contestant = contestant_.key();
  answer.instruction = instruction.key;
  answer.sample = sample;
  answer.key = AnswerKey(answer.contestant, instruction.key, sample);
  answer.state = WorkState::kFailed;
  answer.failure = FailureKind::kMissing;
  answer.error = fmt::format("{} is no longer served", contestant_.name);
  return answer;
}

}  // namespace arena::flywheel_internal
