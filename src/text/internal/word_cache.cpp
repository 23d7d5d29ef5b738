#include "text/internal/word_cache.h"

#include <algorithm>
#include <functional>

namespace arena {

WordCache::WordCache() : entries_(kEntries) {}

std::size_t WordCache::IndexOf(std::string_view word) {
  return std::hash<std::string_view>()(word) % kEntries;
}

bool WordCache::Append(std::string_view word, std::vector<TokenId>& out) const {
  if (word.empty() || word.size() > kMaxBytes) return false;
  const std::size_t index = IndexOf(word);
  const std::lock_guard lock(locks_[index % kLocks]);
  const Entry& entry = entries_[index];
  if (std::string_view(entry.word.data(), entry.bytes) != word) return false;
  out.insert(out.end(), entry.ids.begin(), entry.ids.begin() + entry.tokens);
  return true;
}

void WordCache::Put(std::string_view word, const TokenId* tokens, std::size_t count) const {
  if (word.empty() || word.size() > kMaxBytes || count > kMaxTokens) return;
  const std::size_t index = IndexOf(word);
  const std::lock_guard lock(locks_[index % kLocks]);
  Entry& entry = entries_[index];
  entry.bytes = static_cast<std::uint8_t>(word.size());
  entry.tokens = static_cast<std::uint8_t>(count);
  std::copy(word.begin(), word.end(), entry.word.begin());
  std::copy(tokens, tokens + count, entry.ids.begin());
}

}  // namespace arena
