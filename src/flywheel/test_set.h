// The instructions that no training data may hold.
#pragma once

#include <unordered_set>

#include "base/hash.h"
#include "core/conversation.h"

namespace arena {

/// Equal for conversations that ask the same: what the user says in each turn, without regard to
/// the case of ASCII letters and to how words are spaced. System prompts and answers do not count.
Key AskedKey(const Conversation& conversation);

/// A set of instructions by AskedKey. Thread-safe once it is filled.
class TestSet {
 public:
  void Add(const Conversation& conversation) { asked_.insert(AskedKey(conversation)); }
  bool Overlaps(const Key& asked) const { return asked_.count(asked) > 0; }
  /// How many different ones.
  std::size_t size() const { return asked_.size(); }

 private:
  std::unordered_set<Key, KeyHash> asked_;
};

}  // namespace arena
