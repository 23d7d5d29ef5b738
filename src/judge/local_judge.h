// Judges that ask a checkpoint on this machine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "chat/local_model.h"
#include "core/game.h"

namespace arena {

/// How a local checkpoint scores answers. What it says of an answer does not depend on the seats.
enum class LocalScore {
  /// 1 + 9 exp(mean log-probability of the answer's tokens after the conversation): how likely the
  /// checkpoint itself finds the answer. 10: certain.
  kLogprob,
  /// The checkpoint is asked for a score from 1 to 10. The score is the mean of the ten numbers
  /// weighted by their probabilities, so it is never unreadable and takes no sampling.
  kSingleScore,
  /// A reward model's rewards r: 1 + 9 sigmoid(r - r of the other answer), the Bradley-Terry
  /// probability that the answer is the better one. A reward by itself says nothing: those of an
  /// instruction are defined up to a constant.
  kReward,
};
/// "logprob", "single-score", "reward_model".
std::string_view LocalScoreName(LocalScore score);
std::optional<LocalScore> ParseLocalScore(std::string_view name);

struct LocalJudgeOptions {
  std::string name = "local";  ///< what reports print; not empty
  std::string family;          ///< empty: none
  LocalScore score = LocalScore::kLogprob;
  LocalModelOptions model;
};

/// Starts the workers. The judge is thread-safe. A game with an answer that does not fit the
/// context is failed (kApi). Scores of equal answers to one instruction are asked for once while
/// the judge lives, however many games want them at once. Errors: those of LocalModel::Load; a
/// reward model where the score needs a language model, or the other way round.
Result<std::unique_ptr<Judge>> MakeLocalJudge(const LocalJudgeOptions& options);

}  // namespace arena
