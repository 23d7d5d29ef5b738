// Keys and values of what the model has read, in blocks that sequences take and give back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "checkpoint/config.h"
#include "lm/matrix.h"
#include "lm/memory.h"

namespace arena::lm {

/// Tokens of a block. A block of keys is a panel (head_dim, 32 tokens) and one of values panels of
/// (32 tokens, 32 dimensions), so that attention is products of the same kernels as the layers.
inline constexpr std::size_t kBlockTokens = kPanelColumns;

/// The blocks of one sequence, in the order of its tokens. Give them back with KvCache::Release.
struct SequenceCache {
  std::vector<std::uint32_t> blocks;
  std::int64_t length = 0;  ///< tokens whose keys and values are stored in all layers

  std::int64_t capacity() const { return static_cast<std::int64_t>(blocks.size() * kBlockTokens); }
};

/// A pool of blocks of all layers. Memory is used as blocks are first taken. Not thread-safe.
class KvCache {
 public:
  KvCache() = default;
  /// As many blocks as fit `bytes`, at least one.
  static Result<KvCache> Create(const ModelConfig& config, Storage storage, std::size_t bytes);

  /// Makes room for `tokens` in all; false, and nothing taken, where the pool is too empty.
  bool Grow(SequenceCache& sequence, std::int64_t tokens);
  void Release(SequenceCache& sequence);

  /// Stores the key and the value (kv_heads, head_dim) of one token. Its block must be there.
  void Write(const SequenceCache& sequence, std::size_t layer, std::int64_t position,
             const float* key, const float* value);

  /// The panels of block `index` of a sequence; `Element` is float for kF32 and Bfloat16 for kBf16.
  template <typename Element>
  const Element* Keys(const SequenceCache& sequence, std::size_t index, std::size_t layer,
                      std::size_t head) const {
    return reinterpret_cast<const Element*>(Head(sequence.blocks[index], layer, head));
  }
  template <typename Element>
  const Element* Values(const SequenceCache& sequence, std::size_t index, std::size_t layer,
                        std::size_t head) const {
    return Keys<Element>(sequence, index, layer, head) + head_dim_ * kBlockTokens;
  }

  Storage storage() const { return storage_; }
  std::size_t blocks() const { return block_count_; }
  std::size_t free_blocks() const { return block_count_ - used_; }
  std::size_t block_bytes() const { return block_bytes_; }
  /// Tokens that the whole pool holds.
  std::int64_t capacity() const { return static_cast<std::int64_t>(block_count_ * kBlockTokens); }

 private:
  std::byte* Head(std::uint32_t block, std::size_t layer, std::size_t head) const {
    return memory_.data() + block * block_bytes_ + (layer * kv_heads_ + head) * head_bytes_;
  }

  Storage storage_ = Storage::kF32;
  std::size_t kv_heads_ = 0;
  std::size_t head_dim_ = 0;
  std::size_t head_bytes_ = 0;   // keys and values of one head of one layer in a block
  std::size_t block_bytes_ = 0;  // all layers
  std::size_t block_count_ = 0;
  std::size_t used_ = 0;
  std::uint32_t fresh_ = 0;  // blocks from here on were never taken and are zero
  std::vector<std::uint32_t> returned_;
  PageMemory memory_;
};

}  // namespace arena::lm
