#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/parallel.h"
#include "curate/leakage.h"
#include "curate/shingles.h"
#include "curate/words.h"

namespace arena {
namespace {

// Hash of words in a row -> the first benchmark item that has them.
using Owners = std::unordered_map<std::uint64_t, std::size_t>;

}  // namespace

struct OverlapIndex::Impl {
  OverlapOptions options;
  std::map<int, Owners> by_length;  // words in a row; at most options.size of them
  Owners whole;                     // benchmark items that only match equal prompts
};

OverlapIndex::OverlapIndex(std::span<const std::string> benchmark, const OverlapOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  std::vector<std::uint64_t> words, hashes;
  for (std::size_t item = 0; item < benchmark.size(); ++item) {
    words.clear();
    AppendWordHashes(benchmark[item], words);
    const auto length = static_cast<int>(
        std::min<std::size_t>(words.size(), static_cast<std::size_t>(options.size)));
    RollingHashes(words, options.size, hashes);
    const bool is_short = length < std::min(options.shortest, options.size);
    Owners& owners = is_short ? impl_->whole : impl_->by_length[length];
    for (const std::uint64_t hash : hashes) owners.emplace(hash, item);
  }
}

OverlapIndex::OverlapIndex(OverlapIndex&&) noexcept = default;
OverlapIndex::~OverlapIndex() = default;

std::optional<std::size_t> OverlapIndex::Find(std::string_view text) const {
  std::vector<std::uint64_t> words, hashes;
  AppendWordHashes(text, words);
  std::optional<std::size_t> first;
  const auto look_up = [&](const Owners& owners, std::uint64_t hash) {
    const auto found = owners.find(hash);
    if (found != owners.end()) first = std::min(first.value_or(found->second), found->second);
  };
  for (const auto& [length, owners] : impl_->by_length) {
    if (words.size() < static_cast<std::size_t>(length)) break;
    RollingHashes(words, length, hashes);
    for (const std::uint64_t hash : hashes) look_up(owners, hash);
  }
  if (words.size() < static_cast<std::size_t>(impl_->options.shortest)) {
    RollingHashes(words, impl_->options.size, hashes);
    for (const std::uint64_t hash : hashes) look_up(impl_->whole, hash);
  }
  return first;
}

Result<std::vector<Removal>> RemoveOverlaps(const KeptPool& pool,
                                            std::span<const std::string> benchmark,
                                            const OverlapOptions& options) {
  std::vector<Removal> removals;
  if (benchmark.empty()) return removals;
  const OverlapIndex index(benchmark, options);
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    std::vector<std::optional<std::size_t>> found(batch.texts.size());
    constexpr std::size_t kPart = 64;
    ParallelFor((found.size() + kPart - 1) / kPart, options.threads, [&](std::size_t part) {
      const std::size_t end = std::min((part + 1) * kPart, found.size());
      for (std::size_t i = part * kPart; i < end; ++i) found[i] = index.Find(batch.texts[i]);
    });
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i]) continue;
      removals.push_back({batch.items[i],
                          fmt::format("shares {} words in a row with a benchmark item, or all of "
                                      "its words",
                                      options.size),
                          static_cast<std::uint32_t>(*found[i]), true, 1});
    }
    return {};
  }));
  return removals;
}

}  // namespace arena
