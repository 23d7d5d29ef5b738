// Sequences of one pass through a network, and which of their tokens are to be learned.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "checkpoint/token_data.h"
#include "train/network.h"

namespace arena::train {

/// A batch with the predictions of the tokens to be learned, sequence by sequence.
struct Pass {
  PackedBatch batch;
  std::vector<Prediction> predictions;
  std::vector<std::size_t> prediction_ends;  ///< of each sequence

  /// Appends a sequence; loss[i] tells whether token i is to be learned.
  void Add(std::span<const lm::Token> tokens, std::span<const std::uint8_t> loss);
  std::size_t sequences() const { return batch.ends.size(); }
  /// The row of a sequence's last token.
  std::size_t LastRow(std::size_t sequence) const { return batch.ends[sequence] - 1; }
  /// The numbers of one sequence among those of all predictions.
  template <typename Number>
  std::span<Number> Of(std::size_t sequence, std::span<Number> all) const {
    const std::size_t begin = sequence == 0 ? 0 : prediction_ends[sequence - 1];
    return all.subspan(begin, prediction_ends[sequence] - begin);
  }
};

/// Runs the pass and returns the log-probabilities of its predictions.
std::vector<double> LogProbabilitiesOf(const Pass& pass, const std::vector<float>& values,
                                       double temperature, bool for_backward,
                                       Network<float>& network,
                                       std::vector<double>* entropies = nullptr);

/// What a reward model computes for the sequences of a pass.
struct RewardOutputs {
  std::vector<double> heads;      ///< the score head at each last token
  std::vector<double> log_probs;  ///< of the predictions; empty unless asked for
};
RewardOutputs RewardOutputsOf(const Pass& pass, const std::vector<float>& values,
                              bool wants_log_probs, bool for_backward, Network<float>& network);

/// Tokens of a sequence that are to be learned.
std::size_t LossTokens(const TokenData& data, std::size_t sequence);

}  // namespace arena::train
