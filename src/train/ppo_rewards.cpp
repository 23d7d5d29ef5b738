#include "train/ppo_rewards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/internal/checks.h"

namespace arena::train {

using internal::CheckEnds;
using internal::CheckFinite;
using internal::CheckSizes;

void Sums::Add(const Sums& other) {
  count += other.count;
  sum += other.sum;
  squares += other.squares;
}

double Sums::Mean() const { return count > 0 ? sum / count : 0; }

double Sums::Variance() const {
  return count > 1 ? std::max(0.0, (squares - sum * Mean()) / (count - 1)) : 0;
}

Sums SumsOf(std::span<const double> values) {
  Sums sums{static_cast<double>(values.size()), 0, 0};
  for (const double value : values) {
    sums.sum += value;
    sums.squares += value * value;
  }
  return sums;
}

void Standardise(const Sums& sums, std::span<double> values) {
  constexpr double kEpsilon = 1e-8;  // of the variance
  const double mean = sums.Mean(), scale = 1 / std::sqrt(sums.Variance() + kEpsilon);
  for (double& value : values) value = (value - mean) * scale;
}

Status CentrePerPrompt(std::size_t samples_per_prompt, std::span<double> rewards) {
  if (samples_per_prompt == 0 || rewards.size() % samples_per_prompt != 0) {
    return InternalError(fmt::format("{} rewards are not for prompts of {} samples each",
                                     rewards.size(), samples_per_prompt));
  }
  for (std::size_t begin = 0; begin < rewards.size(); begin += samples_per_prompt) {
    const auto samples = rewards.subspan(begin, samples_per_prompt);
    const double mean = SumsOf(samples).Mean();
    for (double& reward : samples) reward -= mean;
  }
  return {};
}

void ClipRewards(double limit, std::span<double> rewards) {
  if (limit <= 0) return;
  for (double& reward : rewards) reward = std::clamp(reward, -limit, limit);
}

Status PenaliseUnended(std::span<const std::uint8_t> ended, double penalty,
                       std::span<double> rewards) {
  ARENA_RETURN_IF_ERROR(CheckSizes({ended.size(), rewards.size()}, "ends of answers"));
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (ended[i] == 0) rewards[i] -= penalty;
  }
  return {};
}

Result<double> TokenRewards(std::span<const double> answer_rewards,
                            std::span<const double> old_log_probs,
                            std::span<const double> reference_log_probs,
                            std::span<const std::int64_t> ends, double kl_coefficient,
                            std::span<double> token_rewards) {
  const std::size_t size = old_log_probs.size();
  ARENA_RETURN_IF_ERROR(
      CheckSizes({size, reference_log_probs.size(), token_rewards.size()}, "token rewards"));
  ARENA_RETURN_IF_ERROR(CheckSizes({ends.size(), answer_rewards.size()}, "answers' rewards"));
  ARENA_RETURN_IF_ERROR(CheckEnds(ends, size));
  ARENA_RETURN_IF_ERROR(CheckFinite(answer_rewards, "rewards of answers"));
  ARENA_RETURN_IF_ERROR(CheckFinite(old_log_probs, "log-probabilities when sampled"));
  ARENA_RETURN_IF_ERROR(CheckFinite(reference_log_probs, "log-probabilities of the reference"));
  double total = 0;
  for (std::size_t t = 0; t < size; ++t) {
    const double kl = old_log_probs[t] - reference_log_probs[t];
    total += kl;
    token_rewards[t] = -kl_coefficient * kl;
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    token_rewards[static_cast<std::size_t>(ends[i] - 1)] += answer_rewards[i];
  }
  return total;
}

Status EstimateAdvantages(std::span<const double> token_rewards, std::span<const double> values,
                          std::span<const std::int64_t> ends, const GaeOptions& options,
                          std::span<double> advantages, std::span<double> returns) {
  const std::size_t size = token_rewards.size();
  ARENA_RETURN_IF_ERROR(
      CheckSizes({size, values.size(), advantages.size(), returns.size()}, "advantages"));
  ARENA_RETURN_IF_ERROR(CheckEnds(ends, size));
  ARENA_RETURN_IF_ERROR(CheckFinite(token_rewards, "rewards of tokens"));
  ARENA_RETURN_IF_ERROR(CheckFinite(values, "values of tokens"));
  std::size_t begin = 0;
  for (const std::int64_t end : ends) {
    double next_value = 0, next_advantage = 0;
    for (auto t = static_cast<std::size_t>(end); t-- > begin;) {
      const double delta = token_rewards[t] + options.gamma * next_value - values[t];
      next_advantage = delta + options.gamma * options.lambda * next_advantage;
      next_value = values[t];
      advantages[t] = next_advantage;
      returns[t] = next_advantage + values[t];
    }
    begin = static_cast<std::size_t>(end);
  }
  return {};
}

Result<double> NextKlCoefficient(double coefficient, double kl, std::int64_t answers,
                                 const AdaptiveKl& options) {
  const auto count = static_cast<double>(answers);
  if (!std::isfinite(kl)) return InvalidInput(fmt::format("the KL divergence is {}", kl));
  if (!(options.target > 0)) {
    return InvalidInput(fmt::format("the KL target is {}; it must be above 0", options.target));
  }
  if (!(options.horizon >= count)) {
    return InvalidInput(
        fmt::format("the KL horizon is {}; it must be at least the {} answers of a "
                    "step",
                    options.horizon, answers));
  }
  const double error = std::clamp(kl / options.target - 1, -0.2, 0.2);
  return coefficient * (1 + error * count / options.horizon);
}

std::optional<double> ExplainedVariance(const Sums& returns, const Sums& residuals) {
  const double variance = returns.Variance();
  if (!(variance > 0)) return std::nullopt;
  return 1 - residuals.Variance() / variance;
}

}  // namespace arena::train
