#include "curate/near_duplicates.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "curate/internal/lsh_index.h"
#include "curate/minhash.h"

namespace arena {
namespace {

constexpr std::size_t kBlock = 8192;  // documents that are looked up before any is added
// Of a band's row in the block's tables: not a multiple of 4 KB, so that a column's numbers do not
// fall into the same places of the first-level cache.
constexpr std::size_t kStride = kBlock + 16;
constexpr std::size_t kPart = 64;   // documents that a thread takes at once
constexpr std::size_t kAhead = 16;  // documents whose table places are fetched ahead

struct Match {
  std::uint32_t kept;
  double similarity;
};

// Compares one document with others.
class Comparer {
 public:
  explicit Comparer(double threshold) : threshold_(threshold) {}

  void Reset(std::span<const std::uint64_t> document) {
    size_ = document.size();
    set_.Reset(size_);
    for (const std::uint64_t shingle : document) set_.Insert(shingle);
  }

  // The similarity with `other` if it is at least the threshold.
  std::optional<double> Similarity(std::span<const std::uint64_t> other) const {
    const auto total = static_cast<double>(size_ + other.size());
    // More misses than this leave too few shared ones: shared >= t / (1 + t) * total. The margin of
    // one keeps rounding from deciding.
    const double allowed =
        static_cast<double>(other.size()) - threshold_ / (1 + threshold_) * total + 1;
    if (allowed < 0) return std::nullopt;
    auto misses_left = static_cast<std::size_t>(allowed) + 1;
    std::size_t shared = 0;
    for (const std::uint64_t shingle : other) {
      if (set_.Contains(shingle)) {
        ++shared;
      } else if (--misses_left == 0) {
        return std::nullopt;
      }
    }
    const auto both = static_cast<double>(shared);
    const double similarity = both / (total - both);
    if (similarity < threshold_) return std::nullopt;
    return similarity;
  }

 private:
  double threshold_;
  std::size_t size_ = 0;
  HashSet set_;
};

// Works block by block. All tables of a block are band-major, (bands, kStride), and every table of
// the index is gone through on its own, so that it stays in the processor's caches. The index
// numbers the documents of a pass in order, those that are removed included: nothing is ever taken
// out of a table, but lists lead past removed documents.
class Finder {
 public:
  Finder(const ShingleSets& sets, const NearDuplicateOptions& options)
      : sets_(sets),
        options_(options),
        bands_(BandsOf(options)),
        hasher_(options.permutations, options.seed),
        hashes_(NumberOfBands() * kStride),
        heads_(NumberOfBands() * kStride),
        links_(NumberOfBands() * kStride),
        has_head_(kBlock),
        has_link_(kBlock),
        matches_(kBlock) {}

  std::vector<NearDuplicate> Find(std::span<const std::uint32_t> order) {
    std::vector<std::uint32_t> left = Pass(order);
    if (left.empty()) return std::move(removed_);
    while (!left.empty()) {
      const std::vector<std::uint32_t> pass = std::move(left);
      left = Pass(pass);
    }
    std::vector<std::uint32_t> place(sets_.size());
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::uint32_t>(i);
    std::sort(removed_.begin(), removed_.end(),
              [&](const auto& a, const auto& b) { return place[a.document] < place[b.document]; });
    return std::move(removed_);
  }

 private:
  using Block = std::span<const std::uint32_t>;

  std::size_t NumberOfBands() const { return static_cast<std::size_t>(bands_.bands); }

  // Goes through the documents. Once the tables are full nothing more is kept: what resembles none
  // of those kept is returned, to be compared with each other. So every document is compared with
  // all that are kept before it, the earliest first.
  std::vector<std::uint32_t> Pass(std::span<const std::uint32_t> order) {
    const std::size_t most = options_.most_in_tables;
    const std::size_t entered =
        most == 0 ? order.size() : std::min(order.size(), (most + kBlock - 1) / kBlock * kBlock);
    index_ = {};
    index_ = LshIndex(NumberOfBands(), entered);
    order_ = order;
    unsettled_ = 0;
    is_removed_.assign(entered, 0);
    std::vector<std::uint32_t> left;
    const auto block_at = [&](std::size_t at) {
      return at < order.size() ? order.subspan(at, std::min(kBlock, order.size() - at)) : Block();
    };
    SignDuring(block_at(0), [] {});
    for (std::size_t at = 0; at < order.size(); at += kBlock) {
      const Block block = block_at(at), next = block_at(at + kBlock);
      const bool enters = at < entered;
      LookUp(block, at, enters);
      CompareWithEarlierBlocks(block);
      if (enters) {
        SignDuring(next, [&] { CompareWithinBlock(block, at); });
        unsettled_ = block.size();
      } else {
        SignDuring(next, [&] { LeaveUnmatched(block, left); });
      }
    }
    return left;
  }

  void LeaveUnmatched(Block block, std::vector<std::uint32_t>& left) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (matches_[i]) {
        removed_.push_back({block[i], matches_[i]->kept, matches_[i]->similarity});
      } else if (!sets_[block[i]].empty()) {
        left.push_back(block[i]);
      }
    }
  }

  // What a thread needs to compare documents.
  struct Scratch {
    explicit Scratch(double threshold) : comparer(threshold) {}
    CandidateCollector candidates;
    Comparer comparer;
  };

  std::unique_ptr<Scratch> TakeScratch() {
    const std::lock_guard lock(scratch_mutex_);
    if (scratch_.empty()) return std::make_unique<Scratch>(options_.threshold);
    auto taken = std::move(scratch_.back());
    scratch_.pop_back();
    return taken;
  }

  void ReturnScratch(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(scratch_mutex_);
    scratch_.push_back(std::move(scratch));
  }

  // Calls body(begin, end) for the parts of a block, on all threads, of which one does `other_work`
  // first.
  template <typename Work, typename Body>
  void ForEachPart(std::size_t count, Work other_work, Body body) {
    ParallelFor(1 + (count + kPart - 1) / kPart, options_.threads, [&](std::size_t task) {
      if (task == 0) return other_work();
      body((task - 1) * kPart, std::min(task * kPart, count));
    });
  }

  // Makes the hashes of a block during `other_work`, which needs none.
  template <typename Work>
  void SignDuring(Block block, Work other_work) {
    ForEachPart(block.size(), other_work, [&](std::size_t begin, std::size_t end) {
      std::vector<std::uint32_t> signature(hasher_.permutations());
      for (std::size_t i = begin; i < end; ++i) {
        hasher_.Sign(sets_[block[i]], signature);
        BandHashes(signature, bands_, &hashes_[i], kStride);
      }
    });
  }

  // Finds the lists in which the block's documents stand: heads_ has the last one that was kept in
  // an earlier block, links_ the place in the block of the one before it there, and kNoDocument
  // where there is none. With `enters` the documents, which begin at `at` in the pass, head their
  // lists from here on. The lists are led through the block before first.
  void LookUp(Block block, std::size_t at, bool enters) {
    std::fill(has_head_.begin(), has_head_.end(), 0);
    std::fill(has_link_.begin(), has_link_.end(), 0);
    ParallelFor(index_.bands(), options_.threads, [&](std::size_t b) {
      LshBand band = index_.band(b);
      const std::uint32_t* const hashes = &hashes_[b * kStride];
      std::uint32_t* const heads = &heads_[b * kStride];
      std::uint32_t* const links = &links_[b * kStride];
      if (unsettled_ > 0) Settle(band, {heads, unsettled_}, {links, unsettled_}, at - unsettled_);
      for (std::size_t i = 0; i < block.size(); ++i) {
        if (i + kAhead < block.size()) band.Prefetch(hashes[i + kAhead]);
        heads[i] = links[i] = kNoDocument;
        if (sets_[block[i]].empty()) continue;
        const std::uint32_t last = enters
                                       ? band.Enter(hashes[i], static_cast<std::uint32_t>(at + i))
                                       : band.Find(hashes[i]);
        if (last == kNoDocument) continue;
        if (enters && last >= at) {
          links[i] = static_cast<std::uint32_t>(last - at);
          heads[i] = heads[links[i]];
          Set(has_link_[i]);
        } else {
          heads[i] = is_removed_[last] ? band.Before(last) : last;
        }
        if (heads[i] != kNoDocument) Set(has_head_[i]);
      }
    });
    unsettled_ = 0;
  }

  // Several bands' threads may set the same flag.
  static void Set(char& flag) { std::atomic_ref(flag).store(1, std::memory_order_relaxed); }

  // Finds the earliest kept document of earlier blocks that is near.
  void CompareWithEarlierBlocks(Block block) {
    const auto no_other_work = [] {};
    ForEachPart(block.size(), no_other_work, [&](std::size_t begin, std::size_t end) {
      auto scratch = TakeScratch();
      for (std::size_t i = begin; i < end; ++i) {
        matches_[i].reset();
        if (!has_head_[i]) continue;
        const auto candidates = scratch->candidates.Collect(index_, &heads_[i], kStride);
        matches_[i] = FirstNear(block[i], candidates, order_, scratch->comparer);
      }
      ReturnScratch(std::move(scratch));
    });
  }

  // The first of the candidates, which are places among `documents`, that is near.
  std::optional<Match> FirstNear(std::uint32_t document, std::span<const std::uint32_t> candidates,
                                 std::span<const std::uint32_t> documents,
                                 Comparer& comparer) const {
    if (candidates.empty()) return std::nullopt;
    comparer.Reset(sets_[document]);
    for (const std::uint32_t candidate : candidates) {
      const std::uint32_t kept = documents[candidate];
      if (const auto similarity = comparer.Similarity(sets_[kept])) return Match{kept, *similarity};
    }
    return std::nullopt;
  }

  // Compares what is left of the block with what was kept before it in the same block. In order, on
  // one thread: most documents have no link.
  void CompareWithinBlock(Block block, std::size_t at) {
    auto scratch = TakeScratch();
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (has_link_[i]) {
        FollowLinks(i, at);
        if (!matches_[i]) matches_[i] = FirstNear(block[i], candidates_, block, scratch->comparer);
      }
      if (!matches_[i]) continue;
      is_removed_[at + i] = 1;
      removed_.push_back({block[i], matches_[i]->kept, matches_[i]->similarity});
    }
    ReturnScratch(std::move(scratch));
  }

  // Leads the links of the i-th document of the block past removed documents; candidates_ becomes
  // the kept ones, ascending.
  void FollowLinks(std::size_t i, std::size_t at) {
    candidates_.clear();
    for (std::size_t b = 0; b < index_.bands(); ++b) {
      std::uint32_t* const links = &links_[b * kStride];
      std::uint32_t link = links[i];
      // A removed document's own link leads to a kept one, so lists do not grow by what is removed.
      if (link != kNoDocument && is_removed_[at + link]) link = links[i] = links[link];
      for (; link != kNoDocument; link = links[link]) candidates_.push_back(link);
    }
    std::sort(candidates_.begin(), candidates_.end());
    candidates_.erase(std::unique(candidates_.begin(), candidates_.end()), candidates_.end());
  }

  // Writes a band's lists of the documents of a block, which begin at `at` and in which all are
  // kept but perhaps the first.
  static void Settle(LshBand& band, std::span<const std::uint32_t> heads,
                     std::span<const std::uint32_t> links, std::size_t at) {
    for (std::size_t i = 0; i < heads.size(); ++i) {
      const auto link = static_cast<std::uint32_t>(at + links[i]);
      band.SetBefore(static_cast<std::uint32_t>(at + i), links[i] == kNoDocument ? heads[i] : link);
    }
  }

  const ShingleSets& sets_;
  const NearDuplicateOptions& options_;
  const LshBands bands_;
  const MinHasher hasher_;
  std::span<const std::uint32_t> order_;  ///< of the pass
  LshIndex index_;                        ///< numbers documents by their places in order_
  std::size_t unsettled_ = 0;             ///< documents of the last block that the lists lack
  std::vector<char> is_removed_;          ///< by the same numbers
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> heads_;
  std::vector<std::uint32_t> links_;
  std::vector<char> has_head_;  ///< of the block's documents: in some band
  std::vector<char> has_link_;
  std::vector<std::uint32_t> candidates_;
  std::vector<std::optional<Match>> matches_;
  std::vector<NearDuplicate> removed_;
  std::mutex scratch_mutex_;
  std::vector<std::unique_ptr<Scratch>> scratch_;  ///< guarded by scratch_mutex_
};

}  // namespace

LshBands BandsOf(const NearDuplicateOptions& options) {
  return ChooseLshBands(options.threshold, options.permutations, options.false_positive_weight);
}

std::vector<NearDuplicate> FindNearDuplicates(const ShingleSets& sets,
                                              std::span<const std::uint32_t> order,
                                              const NearDuplicateOptions& options) {
  return Finder(sets, options).Find(order);
}

}  // namespace arena
