// Asking once for what several games want at the same time.
#pragma once

#include <cstddef>
#include <future>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/hash.h"

namespace arena::judge_internal {

/// Values by key while the object lives. Who asks for one that is on its way waits for it.
/// Thread-safe.
template <typename Value>
class OnceByKey {
 public:
  /// `most`: how many values are remembered; then all are forgotten.
  explicit OnceByKey(std::size_t most) : most_(most) {}

  /// What make() returned for `key`, and whether it was this call that made it. A value for which
  /// keep(value) is false is given to those who wait for it and made again for those who come
  /// later.
  template <typename Make, typename Keep>
  std::pair<Value, bool> Get(const Key& key, Make make, Keep keep) {
    std::promise<Value> promise;
    {
      std::unique_lock lock(mutex_);
      if (const auto found = known_.find(key); found != known_.end()) {
        const std::shared_future<Value> value = found->second;
        lock.unlock();
        return {value.get(), false};
      }
      if (known_.size() >= most_) known_.clear();
      known_.emplace(key, promise.get_future().share());
    }
    Value value = make();
    promise.set_value(value);
    if (!keep(std::as_const(value))) {
      const std::lock_guard lock(mutex_);
      known_.erase(key);
    }
    return {std::move(value), true};
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  // There or on their way; guarded by mutex_.
  std::unordered_map<Key, std::shared_future<Value>, KeyHash> known_;
};

}  // namespace arena::judge_internal
