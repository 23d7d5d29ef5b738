#include "train/losses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "train/internal/checks.h"

namespace arena::train {
namespace {

using internal::CheckCount;
using internal::CheckFinite;
using internal::CheckSizes;

double Sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

// -log sigmoid(x) = log(1 + e^-x), without overflow.
double NegativeLogSigmoid(double x) {
  return std::max(-x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

Error NotFinite(std::size_t pair, std::string_view what, double value) {
  return InvalidInput(fmt::format("pair {}: {} is {}", pair, what, value));
}

Status CheckAnswer(const AnswerLogProb& answer, std::size_t pair, std::string_view which) {
  for (const double value : {answer.policy, answer.reference}) {
    if (!std::isfinite(value)) {
      return NotFinite(pair, fmt::format("the log-probability of the {} answer", which), value);
    }
  }
  if (answer.tokens > 0) return {};
  return InvalidInput(fmt::format("pair {}: the {} answer has no tokens", pair, which));
}

void AddRewards(double chosen, double rejected, PreferenceShare& share) {
  share.correct += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0;
  share.margin += chosen - rejected;
  share.chosen_reward += chosen;
  share.rejected_reward += rejected;
}

void AddDpoPair(const DpoPair& pair, const PreferenceCounts& counts, const DpoOptions& options,
                DpoGradient& gradient, PreferenceShare& share) {
  const auto scale = [&](const AnswerLogProb& answer) {
    return options.length_normalised ? options.beta / static_cast<double>(answer.tokens)
                                     : options.beta;
  };
  const auto reward = [&](const AnswerLogProb& answer) {
    return scale(answer) * (answer.policy - answer.reference);
  };
  const double chosen = reward(pair.chosen), rejected = reward(pair.rejected);
  const double z = chosen - rejected, smoothing = options.label_smoothing;
  const double per_pair = 1 / static_cast<double>(counts.pairs);
  share.loss +=
      per_pair * ((1 - smoothing) * NegativeLogSigmoid(z) + smoothing * NegativeLogSigmoid(-z));
  const double slope = per_pair * (smoothing * Sigmoid(z) - (1 - smoothing) * Sigmoid(-z));
  gradient = {slope * scale(pair.chosen), -slope * scale(pair.rejected)};
  if (options.sft_weight != 0) {
    const double per_token = 1 / static_cast<double>(counts.chosen_tokens);
    share.likelihood_loss -= per_token * pair.chosen.policy;
    share.loss -= options.sft_weight * per_token * pair.chosen.policy;
    gradient.chosen -= options.sft_weight * per_token;
  }
  AddRewards(chosen, rejected, share);
}

Status CheckCounts(const PreferenceCounts& counts, bool uses_tokens) {
  ARENA_RETURN_IF_ERROR(CheckCount(counts.pairs, "pairs"));
  if (!uses_tokens) return {};
  return CheckCount(counts.chosen_tokens, "tokens to be learned in chosen answers");
}

Status CheckAnswer(const RewardAnswer& answer, const RewardAnswerGradient& gradient,
                   const RewardOptions& options, std::size_t pair, std::string_view which) {
  if (!std::isfinite(answer.head)) {
    return NotFinite(pair, fmt::format("the score of the {} answer", which), answer.head);
  }
  if (!options.UsesLikelihood()) return {};
  ARENA_RETURN_IF_ERROR(
      CheckSizes({answer.log_probs.size(), gradient.log_probs.size()}, "reward gradients"));
  return CheckFinite(answer.log_probs,
                     fmt::format("pair {}: log-probabilities of the {} answer", pair, which));
}

// Through the score, to the head and the tokens above the floor.
void WriteScoreGradient(const RewardAnswer& answer, double slope, const RewardOptions& options,
                        RewardAnswerGradient& gradient) {
  gradient.head = slope;
  if (!options.UsesLikelihood()) return;
  for (std::size_t t = 0; t < answer.log_probs.size(); ++t) {
    const bool moves = answer.log_probs[t] > options.log_prob_floor;
    gradient.log_probs[t] = moves ? options.likelihood_score_weight * slope : 0;
  }
}

void AddLikelihood(const RewardAnswer& chosen, double per_token, const RewardOptions& options,
                   RewardAnswerGradient& gradient, PreferenceShare& share) {
  for (std::size_t t = 0; t < chosen.log_probs.size(); ++t) {
    share.likelihood_loss -= per_token * chosen.log_probs[t];
    share.loss -= options.likelihood_loss_weight * per_token * chosen.log_probs[t];
    gradient.log_probs[t] -= options.likelihood_loss_weight * per_token;
  }
}

void AddRewardPair(const RewardPair& pair, const PreferenceCounts& counts,
                   const RewardOptions& options, RewardGradient& gradient, PreferenceShare& share) {
  const double chosen = RewardScore(pair.chosen, options);
  const double rejected = RewardScore(pair.rejected, options);
  const double z = chosen - rejected - pair.margin, sum = chosen + rejected;
  const double per_pair = 1 / static_cast<double>(counts.pairs);
  share.loss += per_pair * (NegativeLogSigmoid(z) + options.centring_weight * sum * sum);
  const double centring = 2 * options.centring_weight * sum;
  WriteScoreGradient(pair.chosen, per_pair * (centring - Sigmoid(-z)), options, gradient.chosen);
  WriteScoreGradient(pair.rejected, per_pair * (centring + Sigmoid(-z)), options,
                     gradient.rejected);
  if (options.likelihood_loss_weight != 0) {
    AddLikelihood(pair.chosen, 1 / static_cast<double>(counts.chosen_tokens), options,
                  gradient.chosen, share);
  }
  AddRewards(chosen, rejected, share);
}

}  // namespace

Result<double> SftCoefficient(std::int64_t batch_tokens) {
  ARENA_RETURN_IF_ERROR(CheckCount(batch_tokens, "tokens to be learned"));
  return -1 / static_cast<double>(batch_tokens);
}

Result<PreferenceShare> DpoLoss(std::span<const DpoPair> pairs, const PreferenceCounts& counts,
                                const DpoOptions& options, std::span<DpoGradient> gradients) {
  ARENA_RETURN_IF_ERROR(CheckCounts(counts, options.sft_weight != 0));
  ARENA_RETURN_IF_ERROR(CheckSizes({pairs.size(), gradients.size()}, "DPO gradients"));
  PreferenceShare share;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ARENA_RETURN_IF_ERROR(CheckAnswer(pairs[i].chosen, i, "chosen"));
    ARENA_RETURN_IF_ERROR(CheckAnswer(pairs[i].rejected, i, "rejected"));
    AddDpoPair(pairs[i], counts, options, gradients[i], share);
  }
  if (!std::isfinite(share.loss)) return InvalidInput("the DPO loss is not finite");
  return share;
}

double RewardScore(const RewardAnswer& answer, const RewardOptions& options) {
  if (options.likelihood_score_weight == 0) return answer.head;
  double sum = 0;
  for (const double log_prob : answer.log_probs) sum += std::max(log_prob, options.log_prob_floor);
  return answer.head + options.likelihood_score_weight * sum;
}

Result<PreferenceShare> RewardLoss(std::span<const RewardPair> pairs,
                                   const PreferenceCounts& counts, const RewardOptions& options,
                                   std::span<RewardGradient> gradients) {
  ARENA_RETURN_IF_ERROR(CheckCounts(counts, options.likelihood_loss_weight != 0));
  ARENA_RETURN_IF_ERROR(CheckSizes({pairs.size(), gradients.size()}, "reward gradients"));
  PreferenceShare share;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const RewardPair& pair = pairs[i];
    ARENA_RETURN_IF_ERROR(CheckAnswer(pair.chosen, gradients[i].chosen, options, i, "chosen"));
    ARENA_RETURN_IF_ERROR(
        CheckAnswer(pair.rejected, gradients[i].rejected, options, i, "rejected"));
    if (!std::isfinite(pair.margin)) return NotFinite(i, "the margin", pair.margin);
    AddRewardPair(pair, counts, options, gradients[i], share);
  }
  if (!std::isfinite(share.loss)) return InvalidInput("the reward model's loss is not finite");
  return share;
}

}  // namespace arena::train
