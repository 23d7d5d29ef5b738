#include "train/causal_attention.h"

#include <algorithm>
#include <cmath>

namespace arena::train {
namespace {

constexpr std::size_t kBlockRows = 64;

}  // namespace

template <typename Scalar>
CausalAttention<Scalar>::CausalAttention(const ModelConfig& config, lm::Precision precision)
    : heads_(static_cast<std::size_t>(config.heads)),
      kv_heads_(static_cast<std::size_t>(config.kv_heads)),
      head_dim_(static_cast<std::size_t>(config.head_dim)),
      queries_(heads_ * head_dim_),
      width_(queries_ + 2 * kv_heads_ * head_dim_),
      scale_(Scalar(1) / std::sqrt(static_cast<Scalar>(head_dim_))),
      keys_(precision),
      values_(precision),
      keys_as_rows_(precision),
      values_as_rows_(precision),
      block_(precision) {}

// Heads that share keys and values come one after another, so that a function can pack them once.
template <typename Scalar>
template <typename Function>
void CausalAttention<Scalar>::ForEachHead(std::span<const std::size_t> ends, std::int64_t window,
                                          Function&& function) {
  const std::size_t group = heads_ / kv_heads_;
  std::size_t first = 0;
  for (const std::size_t end : ends) {
    for (std::size_t head = 0; head < heads_; ++head) {
      const std::size_t key = queries_ + head / group * head_dim_;
      function(Head{first, end - first, head * head_dim_, key, key + kv_heads_ * head_dim_, head,
                    window},
               head % group == 0);
    }
    first = end;
  }
}

template <typename Scalar>
template <typename Function>
void CausalAttention<Scalar>::ForEachBlock(const Head& head, Function&& function) {
  for (std::size_t first = 0; first < head.length; first += kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, head.length - first);
    function(Block{first, rows, first + rows});
  }
}

// The first position that `position` sees.
template <typename Scalar>
std::size_t CausalAttention<Scalar>::Start(const Head& head, std::size_t position) const {
  const auto window = static_cast<std::size_t>(head.window);
  return window == 0 || position < window ? 0 : position + 1 - window;
}

// scores_ (rows, keys) = probabilities; 0 where a position does not see. The logarithms of the
// rows' sums are filled, or read where `has_sums`.
template <typename Scalar>
void CausalAttention<Scalar>::Probabilities(const Head& head, const Block& block, const Scalar* qkv,
                                            bool has_sums, Scalar* log_sums) {
  const Operations<Scalar>& operations = ChosenOperations<Scalar>();
  Scalar* const scores = scores_.Get(block.rows * block.keys);
  keys_.Multiply(Rows(qkv, width_, head.first + block.first, head.query, block.rows),
                 {scores, block.keys}, block.keys);
  for (std::size_t r = 0; r < block.rows; ++r) {
    const std::size_t position = block.first + r, start = Start(head, position);
    const std::size_t count = position + 1 - start;
    Scalar* const row = scores + r * block.keys;
    Scalar& log_sum = log_sums[(head.first + position) * heads_ + head.head];
    if (!has_sums) log_sum = operations.log_sum_exp(row + start, scale_, count);
    std::fill(row, row + start, Scalar(0));
    operations.exp_scaled(row + start, scale_, log_sum, count, row + start);
    std::fill(row + position + 1, row + block.keys, Scalar(0));
  }
}

template <typename Scalar>
void CausalAttention<Scalar>::Forward(const Scalar* qkv, std::span<const std::size_t> ends,
                                      std::int64_t window, Scalar* out, Scalar* log_sums) {
  ForEachHead(ends, window, [&](const Head& head, bool has_new_keys) {
    if (has_new_keys) {
      keys_.PackTransposed(Rows(qkv, width_, head.first, head.key, head.length));
      values_.Pack(Rows(qkv, width_, head.first, head.value, head.length));
    }
    ForEachBlock(head, [&](const Block& block) {
      Probabilities(head, block, qkv, false, log_sums);
      values_.Multiply({scores_.data(), block.keys, block.rows, block.keys},
                       {out + (head.first + block.first) * queries_ + head.query, queries_});
    });
  });
}

template <typename Scalar>
void CausalAttention<Scalar>::Backward(const Scalar* qkv, std::span<const std::size_t> ends,
                                       std::int64_t window, const Scalar* out, Scalar* log_sums,
                                       const Scalar* dout, Scalar* dqkv) {
  std::fill_n(dqkv, ends.empty() ? 0 : ends.back() * width_, Scalar(0));
  ForEachHead(ends, window, [&](const Head& head, bool has_new_keys) {
    if (has_new_keys) {
      const MatrixView<Scalar> keys = Rows(qkv, width_, head.first, head.key, head.length);
      keys_.PackTransposed(keys);
      keys_as_rows_.Pack(keys);
      values_as_rows_.PackTransposed(Rows(qkv, width_, head.first, head.value, head.length));
    }
    ForEachBlock(head, [&](const Block& block) {
      BackwardBlock(head, block, qkv, out, log_sums, dout, dqkv);
    });
  });
}

template <typename Scalar>
void CausalAttention<Scalar>::BackwardBlock(const Head& head, const Block& block, const Scalar* qkv,
                                            const Scalar* out, Scalar* log_sums, const Scalar* dout,
                                            Scalar* dqkv) {
  const Operations<Scalar>& operations = ChosenOperations<Scalar>();
  const std::size_t row0 = head.first + block.first;
  Probabilities(head, block, qkv, true, log_sums);
  const Scalar* const p = scores_.data();
  const MatrixView<Scalar> douts = Rows(dout, queries_, row0, head.query, block.rows);
  Scalar* const ds = gradients_.Get(block.rows * block.keys);
  values_as_rows_.Multiply(douts, {ds, block.keys}, block.keys);
  for (std::size_t r = 0; r < block.rows; ++r) {
    const std::size_t at = (row0 + r) * queries_ + head.query;
    const Scalar delta = operations.dot(dout + at, out + at, head_dim_);
    operations.softmax_backward(p + r * block.keys, delta, scale_, block.keys, ds + r * block.keys);
  }
  keys_as_rows_.Multiply({ds, block.keys, block.rows, block.keys},
                         {dqkv + row0 * width_ + head.query, width_});
  // Keys and values of all positions seen: dV += P^T dO, dK += dS^T Q.
  Scalar* const transposed = transposed_.Get(block.rows * block.keys);
  const MatrixView<Scalar> left{transposed, block.rows, block.keys, block.rows};
  operations.transpose(p, block.keys, block.rows, block.keys, transposed, block.rows);
  block_.Pack(douts);
  block_.Multiply(left, {dqkv + head.first * width_ + head.value, width_, true});
  operations.transpose(ds, block.keys, block.rows, block.keys, transposed, block.rows);
  block_.Pack(Rows(qkv, width_, row0, head.query, block.rows));
  block_.Multiply(left, {dqkv + head.first * width_ + head.key, width_, true});
}

template class CausalAttention<float>;
template class CausalAttention<double>;

}  // namespace arena::train
