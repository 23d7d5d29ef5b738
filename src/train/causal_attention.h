// Causal attention over whole sequences, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "checkpoint/config.h"
#include "lm/memory.h"
#include "lm/precision.h"
#include "train/packed.h"

namespace arena::train {

/// Sequences that stand one after another in the rows of a batch; none sees another.
/// out = softmax(q k^T / sqrt(head_dim)) v over the positions that each sees: itself and those
/// before it, at most `window` of them (0: all). Probabilities are not kept: the backward pass
/// computes them again from the kept logarithm of each row's sum (Dao et al. 2022). Memory of work
/// grows with the longest sequence times 64 rows. Not thread-safe.
template <typename Scalar>
class CausalAttention {
 public:
  CausalAttention(const ModelConfig& config, lm::Precision precision);

  /// `qkv` (rows, queries + keys + values), rotated. Fills `out` (rows, queries) and `log_sums`
  /// (rows, heads). `ends`: the row behind each sequence.
  void Forward(const Scalar* qkv, std::span<const std::size_t> ends, std::int64_t window,
               Scalar* out, Scalar* log_sums);

  /// Fills `dqkv` from `dout`, the gradient of `out`.
  void Backward(const Scalar* qkv, std::span<const std::size_t> ends, std::int64_t window,
                const Scalar* out, Scalar* log_sums, const Scalar* dout, Scalar* dqkv);

 private:
  // One sequence and one head of it.
  struct Head {
    std::size_t first, length;            // rows
    std::size_t query, key, value, head;  // first columns in qkv; the head's number
    std::int64_t window;
  };
  // Up to 64 rows of a head, and the positions that they see between them.
  struct Block {
    std::size_t first, rows;  // within the sequence
    std::size_t keys;         // positions 0 .. keys - 1
  };

  template <typename Function>
  void ForEachHead(std::span<const std::size_t> ends, std::int64_t window, Function&& function);
  template <typename Function>
  void ForEachBlock(const Head& head, Function&& function);
  MatrixView<Scalar> Rows(const Scalar* data, std::size_t stride, std::size_t row,
                          std::size_t column, std::size_t rows) const {
    return {data + row * stride + column, stride, rows, head_dim_};
  }
  std::size_t Start(const Head& head, std::size_t position) const;
  void Probabilities(const Head& head, const Block& block, const Scalar* qkv, bool has_sums,
                     Scalar* log_sums);
  void BackwardBlock(const Head& head, const Block& block, const Scalar* qkv, const Scalar* out,
                     Scalar* log_sums, const Scalar* dout, Scalar* dqkv);

  std::size_t heads_, kv_heads_, head_dim_;
  std::size_t queries_, width_;  // columns of q and of qkv
  Scalar scale_;
  Packed<Scalar> keys_, values_, keys_as_rows_, values_as_rows_, block_;
  lm::Buffer<Scalar> scores_, gradients_, transposed_;
};

}  // namespace arena::train
