// The tokens of words met before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace arena {

/// Remembers the tokens of short words; a newer word takes an older one's place. Thread-safe: a
/// lock for each group of places, held for the copy of one entry.
class WordCache {
 public:
  WordCache();

  /// Appends the tokens of `word` and returns true where they are known.
  bool Append(std::string_view word, std::vector<TokenId>& out) const;

  /// Remembers them where both are short enough.
  void Put(std::string_view word, const TokenId* tokens, std::size_t count) const;

 private:
  static constexpr std::size_t kMaxBytes = 26;
  static constexpr std::size_t kMaxTokens = 9;
  static constexpr std::size_t kEntries = std::size_t{1} << 15;
  static constexpr std::size_t kLocks = 64;

  /// One cache line.
  struct alignas(64) Entry {
    std::uint8_t bytes = 0;  ///< 0: free
    std::uint8_t tokens = 0;
    std::array<char, kMaxBytes> word;
    std::array<TokenId, kMaxTokens> ids;
  };
  static_assert(sizeof(Entry) == 64);

  static std::size_t IndexOf(std::string_view word);

  mutable std::vector<Entry> entries_;  ///< entry i is guarded by locks_[i % kLocks]
  mutable std::array<std::mutex, kLocks> locks_;
};

}  // namespace arena
