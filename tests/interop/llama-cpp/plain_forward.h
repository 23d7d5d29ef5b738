// A decoder written loop by loop, in double: slow, and easy to hold against the papers.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace arena::interop {

/// Keeps all weights as floats in memory: for small models. Not thread-safe.
class PlainDecoder {
 public:
  explicit PlainDecoder(const Checkpoint& checkpoint);

  /// Logits of the token behind `tokens`, [vocab_size].
  std::vector<double> Logits(std::span<const std::int64_t> tokens) const;

 private:
  using Vector = std::vector<double>;

  const std::vector<float>& Weight(const std::string& name) const { return weights_.at(name); }
  bool Has(const std::string& name) const { return weights_.contains(name); }
  Vector Linear(const std::string& name, const Vector& x) const;
  Vector Norm(const std::string& name, const Vector& x) const;
  /// Queries or keys of one position: projected, normed and rotated, all heads in a row.
  Vector Rotated(const std::string& prefix, char which, const Vector& x, std::size_t position,
                 std::size_t length) const;
  /// Attention of the last positions over all: x is the normed input of every position.
  std::vector<Vector> Attend(std::int64_t layer, const std::vector<Vector>& x) const;

  ModelConfig config_;
  std::map<std::string, std::vector<float>> weights_;
};

}  // namespace arena::interop
