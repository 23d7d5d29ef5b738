// The losses of learning from demonstrations and from preferences, with their gradients.
//
// A loss is a mean over a batch: all that one step of the optimizer learns from, on all ranks. Each
// function takes a part of the batch and the counts of the whole, and gives the part's share: the
// shares add up. All functions are pure and thread-safe. What is NaN or infinite is an error.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace arena::train {

/// Supervised fine-tuning: loss = -1/N sum_t log p_t over the N tokens to be learned of the batch.
/// The derivative by each log p_t, -1/N. Error: N is 0.
Result<double> SftCoefficient(std::int64_t batch_tokens);

/// What a batch of preferences holds.
struct PreferenceCounts {
  std::int64_t pairs = 0;
  std::int64_t chosen_tokens = 0;  ///< to be learned, of the chosen answers; only for likelihoods
};

/// Shares of a batch's means, except where a sum is named. Add them over all parts.
struct PreferenceShare {
  double loss = 0;             ///< with all its terms
  double likelihood_loss = 0;  ///< -log p of a token of the chosen answers, before its weight
  double correct = 0;        ///< sum over pairs: 1 where the chosen reward is larger, 1/2 if equal
  double margin = 0;         ///< sum of chosen - rejected reward
  double chosen_reward = 0;  ///< sum
  double rejected_reward = 0;  ///< sum
};

/// An answer's log-probability, summed over its tokens.
struct AnswerLogProb {
  double policy = 0;
  double reference = 0;
  std::int64_t tokens = 0;
};

struct DpoPair {
  AnswerLogProb chosen;
  AnswerLogProb rejected;
};

struct DpoOptions {
  double beta = 0.1;
  /// The probability that a preference is the wrong way round, in [0, 1/2): conservative DPO.
  double label_smoothing = 0;
  /// Log-probabilities are divided by the number of tokens.
  bool length_normalised = false;
  /// Of the added loss: the mean of -log p over the tokens of the chosen answers.
  double sft_weight = 0;
};

/// Of the loss by the log-probability of each token of an answer; all tokens have the same.
struct DpoGradient {
  double chosen = 0;
  double rejected = 0;
};

/// Direct preference optimization (Rafailov et al. 2023): with the reward of an answer
/// r = beta (log p_policy - log p_reference) and z = r_chosen - r_rejected,
/// loss = mean of -(1 - e) log sigmoid(z) - e log sigmoid(-z), e the label smoothing, plus
/// sft_weight times the mean of -log p over the chosen tokens. Writes one gradient for each pair.
/// Errors: a number that is not finite, named by its pair; an answer without tokens.
Result<PreferenceShare> DpoLoss(std::span<const DpoPair> pairs, const PreferenceCounts& counts,
                                const DpoOptions& options, std::span<DpoGradient> gradients);

/// What a reward model computes for an answer.
struct RewardAnswer {
  double head = 0;                    ///< of the last token
  std::span<const double> log_probs;  ///< of the answer's tokens; may be empty without likelihoods
};

struct RewardPair {
  RewardAnswer chosen;
  RewardAnswer rejected;
  double margin = 0;
};

struct RewardOptions {
  /// Of (r_chosen + r_rejected)^2, which keeps scores near 0.
  double centring_weight = 0;
  /// Of the mean of -log p over the tokens of the chosen answers, in the loss.
  double likelihood_loss_weight = 0;
  /// Of the sum of the answer's log-probabilities, in the score.
  double likelihood_score_weight = 0;
  /// A log-probability in the score counts as at least this.
  double log_prob_floor = -6;

  bool UsesLikelihood() const {
    return likelihood_loss_weight != 0 || likelihood_score_weight != 0;
  }
};

/// The score of an answer: head + likelihood_score_weight * sum_t max(log p_t, log_prob_floor).
double RewardScore(const RewardAnswer& answer, const RewardOptions& options);

struct RewardAnswerGradient {
  double head = 0;
  std::span<double> log_probs;  ///< the caller's, as long as the answer's; written
};

struct RewardGradient {
  RewardAnswerGradient chosen;
  RewardAnswerGradient rejected;
};

/// A reward model's loss (Bradley-Terry): the mean of -log sigmoid(r_chosen - r_rejected - margin)
/// + centring_weight (r_chosen + r_rejected)^2, plus likelihood_loss_weight times the mean of
/// -log p over the chosen tokens. Writes one gradient for each pair. Errors as above.
Result<PreferenceShare> RewardLoss(std::span<const RewardPair> pairs,
                                   const PreferenceCounts& counts, const RewardOptions& options,
                                   std::span<RewardGradient> gradients);

}  // namespace arena::train
