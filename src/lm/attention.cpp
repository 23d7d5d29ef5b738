#include "lm/attention.h"

#include <algorithm>
#include <cmath>

namespace arena::lm {
namespace {

// Queries of one head group are rows of one product; more rows than this fall out of the cache.
constexpr std::size_t kMaxRows = 48;

template <typename Element>
void MultiplyBlock(const Product<Element>& product) {
  if constexpr (sizeof(Element) == sizeof(float)) {
    ChosenKernels().multiply_f32(product);
  } else {
    ChosenKernels().multiply_bf16(product);
  }
}

// A few neighbouring tokens of a sequence and the heads that share one head of keys and values.
template <typename Element>
class Tile {
 public:
  Tile(const ModelConfig& config, const KvCache& cache, std::size_t layer,
       const AttentionInput& input, std::size_t first, std::size_t count, AttentionScratch& scratch)
      : cache_(cache),
        layer_(layer),
        input_(input),
        first_(first),
        count_(count),
        head_dim_(static_cast<std::size_t>(config.head_dim)),
        group_(static_cast<std::size_t>(config.heads / config.kv_heads)),
        window_(config.WindowOfLayer(static_cast<std::int64_t>(layer))),
        output_stride_(RoundUpToPanel(head_dim_)) {
    const auto last = static_cast<std::size_t>(input.position) + first + count - 1;
    first_block_ = SeenFrom(first) / kBlockTokens;
    end_block_ = last / kBlockTokens + 1;
    score_stride_ = (end_block_ - first_block_) * kBlockTokens;
    const std::size_t rows = count * group_;
    queries_ = scratch.queries.Get(rows * head_dim_);
    scores_ = scratch.scores.Get(rows * score_stride_);
    outputs_ = scratch.outputs.Get(rows * output_stride_);
  }

  void Run(std::size_t kv_head) {
    GatherQueries(kv_head);
    const std::size_t rows = count_ * group_;
    for (std::size_t b = first_block_; b < end_block_; ++b) {
      MultiplyBlock<Element>({queries_, head_dim_, rows, head_dim_,
                              cache_.Keys<Element>(*input_.sequence, b, layer_, kv_head), 1,
                              scores_ + (b - first_block_) * kBlockTokens, score_stride_, false});
    }
    for (std::size_t token = 0; token < count_; ++token) {
      for (std::size_t g = 0; g < group_; ++g) Softmax(token, g);
    }
    for (std::size_t b = first_block_; b < end_block_; ++b) {
      MultiplyBlock<Element>(
          {scores_ + (b - first_block_) * kBlockTokens, score_stride_, rows, kBlockTokens,
           cache_.Values<Element>(*input_.sequence, b, layer_, kv_head),
           output_stride_ / kPanelColumns, outputs_, output_stride_, b != first_block_});
    }
    ScatterOutputs(kv_head);
  }

 private:
  // The first position that token `token` of the input sees.
  std::size_t SeenFrom(std::size_t token) const {
    const std::int64_t position = input_.position + static_cast<std::int64_t>(token);
    return window_ == 0
               ? 0
               : static_cast<std::size_t>(std::max<std::int64_t>(0, position - window_ + 1));
  }

  void GatherQueries(std::size_t kv_head) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim_));
    for (std::size_t token = 0; token < count_; ++token) {
      const float* const from =
          input_.queries + (first_ + token) * input_.query_stride + kv_head * group_ * head_dim_;
      float* const to = queries_ + token * group_ * head_dim_;
      for (std::size_t i = 0; i < group_ * head_dim_; ++i) to[i] = from[i] * scale;
    }
  }

  // Scores to weights; what the token does not see gets the weight 0.
  void Softmax(std::size_t token, std::size_t g) {
    const Kernels& kernels = ChosenKernels();
    float* const row = scores_ + (token * group_ + g) * score_stride_;
    const std::size_t offset = first_block_ * kBlockTokens;
    const std::size_t begin = SeenFrom(first_ + token) - offset;
    const std::size_t end = static_cast<std::size_t>(input_.position) + first_ + token + 1 - offset;
    // The lanes of the sum start at a whole block, wherever the tile starts.
    const std::size_t aligned = begin / kBlockTokens * kBlockTokens;
    const float largest = kernels.maximum(row + begin, end - begin);
    std::fill(row, row + begin, -INFINITY);
    const double sum =
        kernels.exp_shifted(row + aligned, largest, 1.0F, end - aligned, row + aligned);
    std::fill(row, row + begin, 0.0F);
    std::fill(row + end, row + score_stride_, 0.0F);
    kernels.scale(row + begin, static_cast<float>(1.0 / sum), end - begin);
  }

  void ScatterOutputs(std::size_t kv_head) {
    for (std::size_t token = 0; token < count_; ++token) {
      float* const to =
          input_.outputs + (first_ + token) * input_.output_stride + kv_head * group_ * head_dim_;
      for (std::size_t g = 0; g < group_; ++g) {
        const float* const from = outputs_ + (token * group_ + g) * output_stride_;
        std::copy(from, from + head_dim_, to + g * head_dim_);
      }
    }
  }

  const KvCache& cache_;
  std::size_t layer_;
  const AttentionInput& input_;
  std::size_t first_, count_;
  std::size_t head_dim_, group_;
  std::int64_t window_;
  std::size_t output_stride_;
  std::size_t first_block_ = 0, end_block_ = 0, score_stride_ = 0;
  float* queries_ = nullptr;
  float* scores_ = nullptr;
  float* outputs_ = nullptr;
};

template <typename Element>
void AttendAs(const ModelConfig& config, const KvCache& cache, std::size_t layer,
              const AttentionInput& input, AttentionScratch& scratch) {
  const auto group = static_cast<std::size_t>(config.heads / config.kv_heads);
  const std::size_t at_once = std::max<std::size_t>(1, kMaxRows / group);
  for (std::size_t first = 0; first < input.tokens; first += at_once) {
    const std::size_t count = std::min(at_once, input.tokens - first);
    Tile<Element> tile(config, cache, layer, input, first, count, scratch);
    for (std::size_t head = 0; head < static_cast<std::size_t>(config.kv_heads); ++head) {
      tile.Run(head);
    }
  }
}

}  // namespace

void Attend(const ModelConfig& config, const KvCache& cache, std::size_t layer,
            const AttentionInput& input, AttentionScratch& scratch) {
  if (cache.storage() == Storage::kF32) {
    AttendAs<float>(config, cache, layer, input, scratch);
  } else {
    AttendAs<Bfloat16>(config, cache, layer, input, scratch);
  }
}

}  // namespace arena::lm
