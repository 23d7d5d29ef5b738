#include "train/language_head.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/operations.h"

namespace arena::train {

// Calls function(first token, tokens, logits) for blocks of the vocabulary; `logits` has room for
// (predictions, tokens) numbers.
template <typename Scalar>
template <typename Function>
void LanguageHead<Scalar>::ForEachBlock(Function&& function) {
  const auto vocabulary = shape_.vocabulary;
  const std::size_t rows = predictions_.size();
  constexpr std::size_t kLeast = lm::kPanelColumns;
  const std::size_t most =
      std::max(kLeast, at_once_ / std::max<std::size_t>(rows, 1) / kLeast * kLeast);
  is_kept_ = rows * vocabulary <= most_kept_;
  Scalar* const logits = logits_.Get(rows * (is_kept_ ? vocabulary : most));
  for (std::size_t first = 0; first < vocabulary; first += most) {
    function(first, std::min(most, vocabulary - first), logits + (is_kept_ ? rows * first : 0));
  }
}

template <typename Scalar>
void LanguageHead<Scalar>::ComputeLogits(const Scalar* weights, std::size_t first,
                                         std::size_t count, Scalar* logits) {
  packed_.PackTransposed(Rows(weights, first, count));
  packed_.Multiply({input_.data(), shape_.hidden, predictions_.size(), shape_.hidden},
                   {logits, count});
}

template <typename Scalar>
void LanguageHead<Scalar>::LogProbabilities(const Scalar* weights, const Scalar* states,
                                            std::span<const Prediction> predictions,
                                            Scalar temperature, std::span<Scalar> log_probabilities,
                                            std::span<Scalar> entropies) {
  const Operations<Scalar>& operations = ChosenOperations<Scalar>();
  predictions_.assign(predictions.begin(), predictions.end());
  temperature_ = temperature;
  const Scalar scale = 1 / temperature;
  log_sums_.assign(predictions.size(), -std::numeric_limits<Scalar>::infinity());
  std::fill(entropies.begin(), entropies.end(), Scalar(0));
  Scalar* const input = input_.Get(predictions.size() * shape_.hidden);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    std::copy_n(states + predictions[i].row * shape_.hidden, shape_.hidden,
                input + i * shape_.hidden);
  }
  ForEachBlock([&](std::size_t first, std::size_t count, Scalar* logits) {
    ComputeLogits(weights, first, count, logits);
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Scalar* const row = logits + i * count;
      const auto target = static_cast<std::size_t>(predictions[i].target);
      if (target >= first && target < first + count) {
        log_probabilities[i] = row[target - first] * scale;
      }
      // Of the block, and with what stood before.
      const Scalar log_sum = operations.log_sum_exp(row, scale, count);
      const Scalar largest = std::max(log_sum, log_sums_[i]);
      const Scalar before = std::exp(log_sums_[i] - largest), here = std::exp(log_sum - largest);
      if (!entropies.empty()) {  // the mean of the scaled logits so far
        Scalar* const p = scaled_.Get(count);
        operations.exp_scaled(row, scale, log_sum, count, p);
        const Scalar mean = scale * operations.dot(p, row, count);
        entropies[i] = (entropies[i] * before + mean * here) / (before + here);
      }
      log_sums_[i] = largest + std::log(before + here);
    }
  });
  for (std::size_t i = 0; i < predictions.size(); ++i) log_probabilities[i] -= log_sums_[i];
  for (std::size_t i = 0; i < entropies.size(); ++i) entropies[i] = log_sums_[i] - entropies[i];
}

// With p = softmax(z / temperature): d log p(target) / dz = (1[target] - p) / temperature.
template <typename Scalar>
void LanguageHead<Scalar>::Backward(const Scalar* weights,
                                    std::span<const Scalar> dlog_probabilities, Scalar* dstates,
                                    Scalar* dweights) {
  const Operations<Scalar>& operations = ChosenOperations<Scalar>();
  const std::size_t rows = predictions_.size();
  const Scalar scale = 1 / temperature_;
  Scalar* const dinput = dinput_.Get(rows * shape_.hidden);
  ForEachBlock([&](std::size_t first, std::size_t count, Scalar* logits) {
    if (!is_kept_) ComputeLogits(weights, first, count, logits);
    for (std::size_t i = 0; i < rows; ++i) {
      Scalar* const row = logits + i * count;
      const auto target = static_cast<std::size_t>(predictions_[i].target);
      const Scalar factor = dlog_probabilities[i] * scale;
      operations.exp_scaled(row, scale, log_sums_[i], count, row);
      for (std::size_t j = 0; j < count; ++j) row[j] *= -factor;
      if (target >= first && target < first + count) row[target - first] += factor;
    }
    const MatrixView<Scalar> dlogits{logits, count, rows, count};
    if (dweights != nullptr) {
      packed_.AddTransposedProduct(dlogits, {input_.data(), shape_.hidden, rows, shape_.hidden},
                                   dweights + first * shape_.hidden);
    }
    packed_.Pack(Rows(weights, first, count));
    packed_.Multiply(dlogits, {dinput, shape_.hidden, first > 0});
  });
  for (std::size_t i = 0; i < rows; ++i) {
    operations.add(dinput + i * shape_.hidden, 1, shape_.hidden,
                   dstates + predictions_[i].row * shape_.hidden);
  }
}

template class LanguageHead<float>;
template class LanguageHead<double>;

}  // namespace arena::train
