// From the scores of sampled answers to the advantages of their tokens.
//
// The tokens of all answers stand one after another; answer i has the tokens from ends[i - 1] (0
// for the first) to ends[i]. All functions are pure and thread-safe; NaN and infinity are errors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace arena::train {

/// Sums from which mean and variance follow. Sums of several ranks or steps add up.
struct Sums {
  double count = 0;
  double sum = 0;
  double squares = 0;

  void Add(const Sums& other);
  /// 0 without numbers.
  double Mean() const;
  /// Unbiased, divided by count - 1; 0 for fewer than two numbers.
  double Variance() const;
};

Sums SumsOf(std::span<const double> values);

/// (x - mean) / sqrt(variance + 1e-8), with the mean and the variance of `sums`. With the sums of
/// the values themselves, of all ranks, this whitens advantages; with running sums it normalises
/// rewards. Numbers that are all equal become 0.
void Standardise(const Sums& sums, std::span<double> values);

/// Subtracts from each reward the mean over the answers to its prompt; the samples of a prompt are
/// neighbours. A prompt with one sample gets 0. Error, a bug of the caller: a rest.
Status CentrePerPrompt(std::size_t samples_per_prompt, std::span<double> rewards);

/// Cuts off at -limit and limit; limit 0: leaves all as it is.
void ClipRewards(double limit, std::span<double> rewards);

/// Subtracts `penalty` where ended[i] is 0: an answer that ran into its length limit.
Status PenaliseUnended(std::span<const std::uint8_t> ended, double penalty,
                       std::span<double> rewards);

/// The reward of each token: -kl_coefficient (log p_old - log p_reference), and for the last token
/// of an answer the answer's reward too (Ziegler et al. 2019). Returns the sum over all tokens of
/// log p_old - log p_reference, whose mean over answers estimates the divergence.
Result<double> TokenRewards(std::span<const double> answer_rewards,
                            std::span<const double> old_log_probs,
                            std::span<const double> reference_log_probs,
                            std::span<const std::int64_t> ends, double kl_coefficient,
                            std::span<double> token_rewards);

struct GaeOptions {
  double gamma = 1;
  double lambda = 0.95;
};

/// Generalised advantage estimation (Schulman et al. 2016): with V = 0 after the last token,
/// d_t = r_t + gamma V_(t+1) - V_t and A_t = d_t + gamma lambda A_(t+1). returns_t = A_t + V_t.
Status EstimateAdvantages(std::span<const double> token_rewards, std::span<const double> values,
                          std::span<const std::int64_t> ends, const GaeOptions& options,
                          std::span<double> advantages, std::span<double> returns);

struct AdaptiveKl {
  double target = 6;       ///< of the divergence of an answer
  double horizon = 10000;  ///< in answers: how slowly the coefficient follows
};

/// The adaptive coefficient after a step with `answers` answers of the divergence `kl` in the mean:
/// coefficient * (1 + clip(kl / target - 1, -0.2, 0.2) * answers / horizon) (Ziegler et al. 2019).
/// Errors: kl is not finite; target is not positive; the horizon is below the number of answers.
Result<double> NextKlCoefficient(double coefficient, double kl, std::int64_t answers,
                                 const AdaptiveKl& options);

/// 1 - Var(returns - values) / Var(returns): how well the value model foresaw. Nothing where the
/// returns do not vary.
std::optional<double> ExplainedVariance(const Sums& returns, const Sums& residuals);

}  // namespace arena::train
