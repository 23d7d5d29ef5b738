#include "train/ppo_losses.h"

#include <algorithm>
#include <cmath>

#include "train/internal/checks.h"

namespace arena::train {
namespace {

using internal::CheckCount;
using internal::CheckFinite;
using internal::CheckSizes;

constexpr double kMaxLogRatio = 20;

// Adds one token to the share; returns the gradient by its log p.
double AddPolicyToken(double difference, double advantage, double clip_range, double per_token,
                      PolicyShare& share) {
  const double log_ratio = std::clamp(difference, -kMaxLogRatio, kMaxLogRatio);
  const double ratio = std::exp(log_ratio);
  const double plain = -advantage * ratio;
  const double clipped = -advantage * std::clamp(ratio, 1 - clip_range, 1 + clip_range);
  share.loss += per_token * std::max(plain, clipped);
  share.kl_k1 -= per_token * log_ratio;
  share.kl_k3 += per_token * (std::expm1(log_ratio) - log_ratio);
  if (clipped > plain) {
    share.clip_fraction += per_token;
    return 0;
  }
  return log_ratio == difference ? per_token * plain : 0;
}

// As above, by V.
double AddValueToken(double value, double old_value, double target, double clip_range,
                     double per_token, ValueShare& share) {
  const double error = value - target;
  const double kept =
      clip_range > 0 ? std::clamp(value, old_value - clip_range, old_value + clip_range) : value;
  const double kept_error = kept - target;
  share.loss += per_token * 0.5 * std::max(error * error, kept_error * kept_error);
  if (kept_error * kept_error > error * error) {
    share.clip_fraction += per_token;
    return 0;
  }
  return per_token * error;
}

}  // namespace

Result<PolicyShare> PolicyLoss(std::span<const double> log_probs,
                               std::span<const double> old_log_probs,
                               std::span<const double> advantages, double clip_range,
                               std::int64_t batch_tokens, std::span<double> gradients) {
  ARENA_RETURN_IF_ERROR(CheckSizes(
      {log_probs.size(), old_log_probs.size(), advantages.size(), gradients.size()}, "PPO tokens"));
  ARENA_RETURN_IF_ERROR(CheckCount(batch_tokens, "tokens to be learned"));
  ARENA_RETURN_IF_ERROR(CheckFinite(log_probs, "log-probabilities"));
  ARENA_RETURN_IF_ERROR(CheckFinite(old_log_probs, "log-probabilities when sampled"));
  ARENA_RETURN_IF_ERROR(CheckFinite(advantages, "advantages"));
  const double per_token = 1 / static_cast<double>(batch_tokens);
  PolicyShare share;
  for (std::size_t t = 0; t < log_probs.size(); ++t) {
    gradients[t] = AddPolicyToken(log_probs[t] - old_log_probs[t], advantages[t], clip_range,
                                  per_token, share);
  }
  return share;
}

Result<ValueShare> ValueLoss(std::span<const double> values, std::span<const double> old_values,
                             std::span<const double> returns, double clip_range,
                             std::int64_t batch_tokens, std::span<double> gradients) {
  ARENA_RETURN_IF_ERROR(CheckSizes(
      {values.size(), old_values.size(), returns.size(), gradients.size()}, "PPO values"));
  ARENA_RETURN_IF_ERROR(CheckCount(batch_tokens, "tokens to be learned"));
  ARENA_RETURN_IF_ERROR(CheckFinite(values, "values"));
  ARENA_RETURN_IF_ERROR(CheckFinite(old_values, "values when sampled"));
  ARENA_RETURN_IF_ERROR(CheckFinite(returns, "returns"));
  const double per_token = 1 / static_cast<double>(batch_tokens);
  ValueShare share;
  for (std::size_t t = 0; t < values.size(); ++t) {
    gradients[t] =
        AddValueToken(values[t], old_values[t], returns[t], clip_range, per_token, share);
  }
  return share;
}

}  // namespace arena::train
