// Pools in memory, for the tests of curation.
#pragma once

#include <string>
#include <vector>

#include "curate/kept_pool.h"

namespace arena {

/// A pool of one-turn items, all of them kept. Neither copied nor moved: kept() refers to it.
class TestPool {
 public:
  explicit TestPool(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      PoolItem item;
      item.line = static_cast<std::int64_t>(items.size()) + 1;
      item.conversation = {{Role::kUser, text}};
      items.push_back(item);
    }
    is_kept_.assign(items.size(), true);
    source_ = [this](PoolSink sink) -> Status {
      for (const PoolItem& item : items) ARENA_RETURN_IF_ERROR(sink(item));
      return {};
    };
  }
  TestPool(const TestPool&) = delete;
  TestPool& operator=(const TestPool&) = delete;

  const PoolSource& source() const { return source_; }
  KeptPool kept() const { return {source_, is_kept_}; }
  std::vector<std::uint32_t> Order(KeepPolicy policy = KeepPolicy::kFirst) const {
    return KeepOrder(*IndexPool(source_), is_kept_, policy);
  }

  std::vector<PoolItem> items;

 private:
  PoolSource source_;
  std::vector<bool> is_kept_;
};

}  // namespace arena
