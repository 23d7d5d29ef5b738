// From hidden states to log-probabilities of tokens, and back.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lm/memory.h"
#include "lm/precision.h"
#include "lm/token.h"
#include "train/packed.h"

namespace arena::train {

/// A token and the row that predicts it: the one before it.
struct Prediction {
  std::size_t row = 0;
  lm::Token target = 0;
};

/// The softmax over the vocabulary. Logits are computed for a block of the vocabulary at a time, so
/// that memory does not grow with its size. Not thread-safe.
template <typename Scalar>
class LanguageHead {
 public:
  struct Shape {
    std::size_t hidden, vocabulary;
  };

  /// About `at_once` logits are computed at once; where there are at most `kept` in all they are
  /// kept for Backward, else computed again.
  LanguageHead(const Shape& shape, lm::Precision precision, std::size_t at_once, std::size_t kept)
      : shape_(shape), at_once_(at_once), most_kept_(kept), packed_(precision) {}

  /// As Network::LogProbabilities; `weights` (vocabulary, hidden), `states` (rows, hidden).
  void LogProbabilities(const Scalar* weights, const Scalar* states,
                        std::span<const Prediction> predictions, Scalar temperature,
                        std::span<Scalar> log_probabilities, std::span<Scalar> entropies);

  /// Adds the gradients of a loss to those of the states and, unless null, of the weights, given
  /// the loss's gradients of the log-probabilities.
  void Backward(const Scalar* weights, std::span<const Scalar> dlog_probabilities, Scalar* dstates,
                Scalar* dweights);

 private:
  template <typename Function>
  void ForEachBlock(Function&& function);
  void ComputeLogits(const Scalar* weights, std::size_t first, std::size_t count, Scalar* logits);
  // The weights of a block of the vocabulary.
  MatrixView<Scalar> Rows(const Scalar* weights, std::size_t first, std::size_t count) const {
    return {weights + first * shape_.hidden, shape_.hidden, count, shape_.hidden};
  }

  Shape shape_;
  std::size_t at_once_, most_kept_;
  std::vector<Prediction> predictions_;
  Scalar temperature_ = 1;
  bool is_kept_ = false;          // all logits stand in logits_
  std::vector<Scalar> log_sums_;  // of the logits of each prediction
  Packed<Scalar> packed_;
  lm::Buffer<Scalar> logits_, input_, dinput_, scaled_;
};

}  // namespace arena::train
