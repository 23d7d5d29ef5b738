// The battles of one contestant, played on several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "battle/run.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"
#include "store/store.h"

namespace arena::flywheel_internal {

/// All instructions of a file, whose format is told by its first row.
Result<std::vector<Instruction>> ReadShard(const std::filesystem::path& file);

/// The number of tags of each instruction in the files that has one, by its key. Errors: those of
/// ReadInstructionScores.
Result<std::unordered_map<Key, double, KeyHash>> ReadTags(
    std::span<const std::filesystem::path> files);

struct ShardPlay {
  PairingOptions pairing;
  unsigned workers = 1;
  bool retry_failed = false;
  double max_failures = 0;  ///< failed answers and games for each battle
};

/// Plays (or goes on with) the battles of `models` on the instructions, which are dealt out in
/// blocks to `workers` threads. `on_progress` gets the finished and all battles, one call at a
/// time. Returns the number of battles. Errors: kCancelled when the user or a cap on cost stopped
/// it; more failures than allowed, as no battle of a loop should be void by accident.
Result<std::int64_t> PlayShard(Store& store, std::span<const Instruction> instructions,
                               std::span<ChatModel* const> models, Judge& judge,
                               const ShardPlay& play,
                               const std::function<void(std::int64_t, std::int64_t)>& on_progress);

/// Of each instruction that `target` battled on, by its key: ten minus the mean score of the
/// others' answers.
Result<std::unordered_map<Key, double, KeyHash>> MeasureDifficulty(Store& store,
                                                                   const std::string& target);

/// A contestant whose answers are stored, as far as they could be had.
class StoredContestant final : public ChatModel {
 public:
  explicit StoredContestant(Contestant contestant) : contestant_(std::move(contestant)) {}
  const Contestant& contestant() const override { return contestant_; }
  /// A failed answer (kMissing): its checkpoint is no longer served.
  Result<Answer> Respond(const Instruction& instruction, int sample) override;

 private:
  const Contestant contestant_;
};

}  // namespace arena::flywheel_internal
