// Rotary position embeddings as tables of cosines and sines.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"

namespace arena::lm {

/// Grows with the largest position asked for. Not thread-safe.
class RotaryTable {
 public:
  RotaryTable() = default;
  explicit RotaryTable(const ModelConfig& config);

  /// Computes all positions below `count`.
  void Reserve(std::int64_t count);

  /// head_dim / 2 values of a position below what Reserve was called with.
  const float* Cosine(std::int64_t position) const { return cosines_.data() + Offset(position); }
  const float* Sine(std::int64_t position) const { return sines_.data() + Offset(position); }
  std::size_t half() const { return frequencies_.size(); }

 private:
  std::size_t Offset(std::int64_t position) const {
    return static_cast<std::size_t>(position) * frequencies_.size();
  }

  std::vector<float> frequencies_;  // radians per position
  float scale_ = 1;
  std::vector<float> cosines_, sines_;  // (positions, half)
};

}  // namespace arena::lm
