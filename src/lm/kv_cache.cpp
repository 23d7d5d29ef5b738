#include "lm/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace arena::lm {
namespace {

template <typename Element>
Element Convert(float value);
template <>
float Convert<float>(float value) {
  return value;
}
template <>
Bfloat16 Convert<Bfloat16>(float value) {
  return FloatToBf16(value);
}

// One token of one head into its place in the panels of keys and of values.
template <typename Element>
void WriteHead(std::byte* head, std::size_t head_dim, std::size_t token, const float* key,
               const float* value) {
  auto* const keys = reinterpret_cast<Element*>(head);
  auto* const values = keys + PanelSize<Element>(head_dim);
  for (std::size_t d = 0; d < head_dim; ++d) {
    keys[PanelIndex<Element>(d, token)] = Convert<Element>(key[d]);
    values[d / kPanelColumns * PanelSize<Element>(kBlockTokens) +
           PanelIndex<Element>(token, d % kPanelColumns)] = Convert<Element>(value[d]);
  }
}

}  // namespace

Result<KvCache> KvCache::Create(const ModelConfig& config, Storage storage, std::size_t bytes) {
  KvCache cache;
  cache.storage_ = storage;
  cache.kv_heads_ = static_cast<std::size_t>(config.kv_heads);
  cache.head_dim_ = static_cast<std::size_t>(config.head_dim);
  const std::size_t element = storage == Storage::kF32 ? sizeof(float) : sizeof(Bfloat16);
  const std::size_t columns = cache.head_dim_ + RoundUpToPanel(cache.head_dim_);
  cache.head_bytes_ = columns * kBlockTokens * element;
  cache.block_bytes_ =
      cache.head_bytes_ * cache.kv_heads_ * static_cast<std::size_t>(config.layers);
  cache.block_count_ = std::clamp<std::size_t>(bytes / cache.block_bytes_, 1,
                                               std::numeric_limits<std::int32_t>::max());
  ARENA_ASSIGN_OR_RETURN(cache.memory_,
                         PageMemory::Reserve(cache.block_count_ * cache.block_bytes_));
  return cache;
}

bool KvCache::Grow(SequenceCache& sequence, std::int64_t tokens) {
  const std::size_t wanted = (static_cast<std::size_t>(tokens) + kBlockTokens - 1) / kBlockTokens;
  if (wanted <= sequence.blocks.size()) return true;
  const std::size_t more = wanted - sequence.blocks.size();
  if (more > free_blocks()) return false;
  for (std::size_t i = 0; i < more; ++i) {
    if (returned_.empty()) {
      sequence.blocks.push_back(fresh_++);
      continue;
    }
    const std::uint32_t block = returned_.back();
    returned_.pop_back();
    // Masked tokens count with weight 0, and 0 * NaN of a failed sequence would be NaN.
    std::memset(memory_.data() + block * block_bytes_, 0, block_bytes_);
    sequence.blocks.push_back(block);
  }
  used_ += more;
  return true;
}

void KvCache::Release(SequenceCache& sequence) {
  returned_.insert(returned_.end(), sequence.blocks.begin(), sequence.blocks.end());
  used_ -= sequence.blocks.size();
  sequence = {};
}

void KvCache::Write(const SequenceCache& sequence, std::size_t layer, std::int64_t position,
                    const float* key, const float* value) {
  const auto index = static_cast<std::size_t>(position);
  const std::uint32_t block = sequence.blocks[index / kBlockTokens];
  for (std::size_t h = 0; h < kv_heads_; ++h) {
    std::byte* const head = Head(block, layer, h);
    const std::size_t token = index % kBlockTokens;
    if (storage_ == Storage::kF32) {
      WriteHead<float>(head, head_dim_, token, key + h * head_dim_, value + h * head_dim_);
    } else {
      WriteHead<Bfloat16>(head, head_dim_, token, key + h * head_dim_, value + h * head_dim_);
    }
  }
}

}  // namespace arena::lm
