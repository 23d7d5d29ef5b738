// What PPO learns from in one step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lm/token.h"

namespace arena::train {

/// The answers that a rank sampled in a step of PPO, one after another, with a number for each of
/// their tokens.
struct Experience {
  std::vector<std::vector<lm::Token>> sequences;  ///< prompt and answer
  std::vector<std::vector<std::uint8_t>> loss;    ///< the answer's tokens
  std::vector<std::uint8_t> ended;
  std::vector<double> rewards;     ///< of each answer
  std::vector<std::int64_t> ends;  ///< of each answer's tokens
  std::vector<std::int64_t> rows;  ///< of the prompts
  std::vector<double> old_log_probs, reference_log_probs, values, entropies;
  std::vector<double> advantages, returns;

  std::size_t answers() const { return sequences.size(); }
  std::size_t Begin(std::size_t answer) const {
    return answer == 0 ? 0 : static_cast<std::size_t>(ends[answer - 1]);
  }
  /// The numbers of some answers, one after another.
  std::vector<double> Of(std::span<const std::size_t> chosen,
                         const std::vector<double>& all) const {
    std::vector<double> numbers;
    for (const std::size_t answer : chosen) {
      numbers.insert(numbers.end(), all.begin() + static_cast<std::ptrdiff_t>(Begin(answer)),
                     all.begin() + ends[answer]);
    }
    return numbers;
  }
};

/// Sums over the updates of a step.
struct UpdateNumbers {
  double updates = 0;
  double policy_loss = 0, clip_fraction = 0, kl_k1 = 0, kl_k3 = 0;
  double value_loss = 0, ptx_loss = 0, grad_norm = 0;
  double first_ratio_error = 0;  ///< of the first update
  bool stopped = false;          ///< by max_kl
};

/// Shares of one update, as they are summed over ranks.
enum UpdateShare : std::size_t { kPolicyLoss, kClipped, kK1, kK3, kValueLoss, kPtxLoss, kShares };

}  // namespace arena::train
