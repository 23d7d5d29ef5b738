// The clipped losses of proximal policy optimization, with their gradients.
//
// As in losses.h, each function takes a part of a batch and the token count of the whole, and gives
// the part's share. Pure and thread-safe; NaN and infinity are errors.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace arena::train {

/// Shares of the batch's means over tokens. Add them over all parts.
struct PolicyShare {
  double loss = 0;
  double clip_fraction = 0;  ///< tokens whose gradient the clipping took away
  double kl_k1 = 0;          ///< of log p_old - log p: unbiased for KL(old || new)
  double kl_k3 = 0;          ///< of ratio - 1 - log ratio: the same, never negative (Schulman 2020)
};

/// The policy's loss (Schulman et al. 2017): the mean over tokens of max(-A ratio,
/// -A clip(ratio, 1 - clip_range, 1 + clip_range)) with ratio = p / p_old. A log ratio beyond 20
/// either way counts as 20 and has no gradient, so that the loss stays finite. Writes the gradient
/// by each token's log p.
Result<PolicyShare> PolicyLoss(std::span<const double> log_probs,
                               std::span<const double> old_log_probs,
                               std::span<const double> advantages, double clip_range,
                               std::int64_t batch_tokens, std::span<double> gradients);

/// Shares of the batch's means over tokens.
struct ValueShare {
  double loss = 0;
  double clip_fraction = 0;
};

/// The value model's loss: the mean over tokens of 1/2 max((V - R)^2, (clip(V) - R)^2), where clip
/// keeps V within clip_range of the value at sampling; clip_range 0: 1/2 (V - R)^2. Writes the
/// gradient by each token's V.
Result<ValueShare> ValueLoss(std::span<const double> values, std::span<const double> old_values,
                             std::span<const double> returns, double clip_range,
                             std::int64_t batch_tokens, std::span<double> gradients);

}  // namespace arena::train
