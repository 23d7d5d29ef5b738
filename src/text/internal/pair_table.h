// The merges of byte pair encoding by the pair of tokens that they join.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/tokenizer.h"

namespace arena {

/// What joining two tokens gives. Lower ranks go first.
struct Merge {
  std::uint32_t rank = 0;
  TokenId result = -1;  ///< -1: the two do not join
};

/// An open-addressing hash table: a lookup touches one cache line. Const methods are thread-safe.
class PairTable {
 public:
  /// `count`: the most pairs that will be set.
  explicit PairTable(std::size_t count = 0)
      : slots_(std::bit_ceil(2 * count + 1)),
        shift_(64 - static_cast<int>(std::bit_width(slots_.size() - 1))) {}

  /// A pair that is there already gets the new merge.
  void Set(TokenId left, TokenId right, Merge merge) {
    Slot& slot = slots_[IndexOf(left, right)];
    slot = {PairKey(left, right), merge};
  }

  Merge Find(TokenId left, TokenId right) const { return slots_[IndexOf(left, right)].merge; }

 private:
  struct Slot {
    std::uint64_t key = 0;  ///< meaningful where merge.result >= 0
    Merge merge;
  };

  static std::uint64_t PairKey(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint32_t>(right);
  }

  /// The slot of the pair, or the free one where it belongs.
  std::size_t IndexOf(TokenId left, TokenId right) const {
    const std::uint64_t key = PairKey(left, right);
    std::size_t at = slots_.size() == 1 ? 0 : (key * 0x9E3779B97F4A7C15U) >> shift_;
    while (slots_[at].merge.result >= 0 && slots_[at].key != key) at = (at + 1) % slots_.size();
    return at;
  }

  std::vector<Slot> slots_;  ///< a power of two, at most half full
  int shift_;
};

}  // namespace arena
