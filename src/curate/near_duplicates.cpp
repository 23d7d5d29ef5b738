#include "curate/near_duplicates.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "curate/internal/lsh_index.h"
#include "curate/minhash.h"

namespace arena {
namespace {

constexpr std::size_t kBlock = 4096;  // documents that are looked up before any is added
static_assert(kBlock < UINT16_MAX);
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
// the index is gone through on its own, so that it stays in the processor's caches.
class Finder {
 public:
  Finder(const ShingleSets& sets, const NearDuplicateOptions& options)
      : sets_(sets),
        options_(options),
        bands_(BandsOf(options)),
        hasher_(options.permutations, options.seed),
        index_(static_cast<std::size_t>(bands_.bands)),
        hashes_(index_.size() * kStride),
        heads_(index_.size() * kStride),
        links_(index_.size() * kStride),
        kept_hashes_(index_.size() * kStride),
        matches_(kBlock),
        is_removed_(kBlock) {}

  std::vector<NearDuplicate> Find(std::span<const std::uint32_t> order) {
    std::vector<std::uint32_t> left = Pass(order);
    if (left.empty()) return std::move(removed_);
    while (!left.empty()) {
      index_ = std::vector<LshBand>(index_.size());
      kept_.clear();
      new_kept_ = 0;
      left = Pass(left);
    }
    std::vector<std::uint32_t> place(sets_.size());
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::uint32_t>(i);
    std::sort(removed_.begin(), removed_.end(),
              [&](const auto& a, const auto& b) { return place[a.document] < place[b.document]; });
    return std::move(removed_);
  }

 private:
  // Goes through the documents. Once the tables are full nothing more is kept: what resembles none
  // of those kept is returned, to be compared with each other. So every document is compared with
  // all that are kept before it, the earliest first.
  std::vector<std::uint32_t> Pass(std::span<const std::uint32_t> order) {
    std::vector<std::uint32_t> left;
    for (std::size_t at = 0; at < order.size(); at += kBlock) {
      const auto block = order.subspan(at, std::min(kBlock, order.size() - at));
      Sign(block);
      LookUp(block.size());
      CompareWithEarlierBlocks(block);
      if (options_.most_in_tables > 0 && kept_.size() >= options_.most_in_tables) {
        LeaveUnmatched(block, left);
      } else {
        Link(block);
        CompareWithinBlock(block);
      }
    }
    return left;
  }

  void LeaveUnmatched(std::span<const std::uint32_t> block, std::vector<std::uint32_t>& left) {
    new_kept_ = 0;
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

  // Calls body(begin, end) for the parts of a block, on all threads.
  template <typename Body>
  void ForEachPart(std::size_t count, Body body) {
    ParallelFor((count + kPart - 1) / kPart, options_.threads,
                [&](std::size_t part) { body(part * kPart, std::min((part + 1) * kPart, count)); });
  }

  void Sign(std::span<const std::uint32_t> block) {
    ForEachPart(block.size(), [&](std::size_t begin, std::size_t end) {
      std::vector<std::uint32_t> signature(hasher_.permutations());
      for (std::size_t i = begin; i < end; ++i) {
        hasher_.Sign(sets_[block[i]], signature);
        BandHashes(signature, bands_, &hashes_[i], kStride);
      }
    });
  }

  // Adds what the last block kept to the index and finds the lists in which this block's documents
  // would stand.
  void LookUp(std::size_t count) {
    ParallelFor(index_.size(), options_.threads, [&](std::size_t b) {
      LshBand& band = index_[b];
      const std::uint32_t* const added = &kept_hashes_[b * kStride];
      for (std::size_t k = 0; k < new_kept_; ++k) {
        if (k + kAhead < new_kept_) band.Prefetch(added[k + kAhead]);
        band.Add(added[k]);
      }
      const std::uint32_t* const hashes = &hashes_[b * kStride];
      for (std::size_t i = 0; i < count; ++i) {
        if (i + kAhead < count) band.Prefetch(hashes[i + kAhead]);
        heads_[b * kStride + i] = band.Find(hashes[i]);
      }
    });
  }

  // Finds the earliest kept document of earlier blocks that is near.
  void CompareWithEarlierBlocks(std::span<const std::uint32_t> block) {
    ForEachPart(block.size(), [&](std::size_t begin, std::size_t end) {
      auto scratch = TakeScratch();
      for (std::size_t i = begin; i < end; ++i) {
        matches_[i].reset();
        if (sets_[block[i]].empty()) continue;
        const auto candidates =
            scratch->candidates.Collect(index_, kept_.size(), &heads_[i], kStride);
        if (!candidates.empty()) scratch->comparer.Reset(sets_[block[i]]);
        for (const std::uint32_t candidate : candidates) {
          const std::uint32_t kept = kept_[candidate];
          if (const auto similarity = scratch->comparer.Similarity(sets_[kept])) {
            matches_[i] = Match{kept, *similarity};
            break;
          }
        }
      }
      ReturnScratch(std::move(scratch));
    });
  }

  // Finds for each document that is left the last one before it in the block with the same hash.
  void Link(std::span<const std::uint32_t> block) {
    left_.clear();
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!matches_[i] && !sets_[block[i]].empty()) left_.push_back(static_cast<std::uint32_t>(i));
    }
    ParallelFor(index_.size(), options_.threads,
                [&](std::size_t b) { LinkBand(&hashes_[b * kStride], &links_[b * kStride]); });
  }

  // links[k]: the last of left_[0, k) with the hash of left_[k]. The table stays in the first
  // cache.
  void LinkBand(const std::uint32_t* hashes, std::uint32_t* links) const {
    constexpr std::size_t kSlots = 2 * kBlock;
    std::array<std::uint16_t, kSlots> last_plus_one{};
    for (std::size_t k = 0; k < left_.size(); ++k) {
      const std::uint32_t hash = hashes[left_[k]];
      std::size_t place = hash % kSlots;
      while (last_plus_one[place] != 0 && hashes[left_[last_plus_one[place] - 1U]] != hash) {
        place = (place + 1) % kSlots;
      }
      links[k] = last_plus_one[place] == 0 ? kNoDocument : last_plus_one[place] - 1U;
      last_plus_one[place] = static_cast<std::uint16_t>(k + 1);
    }
  }

  // Compares what is left of the block with what was kept before it in the same block. In order, on
  // one thread: most documents have no link.
  void CompareWithinBlock(std::span<const std::uint32_t> block) {
    auto scratch = TakeScratch();
    new_kept_ = 0;
    std::size_t k = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (k < left_.size() && left_[k] == i) {
        matches_[i] = EarliestWithinBlock(block, k, *scratch);
        is_removed_[k++] = matches_[i].has_value();
        if (!matches_[i]) Keep(block[i], i);
      }
      if (matches_[i]) {
        removed_.push_back({block[i], matches_[i]->kept, matches_[i]->similarity});
      }
    }
    ReturnScratch(std::move(scratch));
  }

  // `k` and the links count the documents in left_.
  std::optional<Match> EarliestWithinBlock(std::span<const std::uint32_t> block, std::size_t k,
                                           Scratch& scratch) {
    candidates_.clear();
    for (std::size_t b = 0; b < index_.size(); ++b) {
      std::uint32_t* const links = &links_[b * kStride];
      std::uint32_t link = links[k];
      // A removed document's own link leads to a kept one, so lists do not grow by what is removed.
      if (link != kNoDocument && is_removed_[link]) link = links[k] = links[link];
      for (; link != kNoDocument; link = links[link]) candidates_.push_back(link);
    }
    if (candidates_.empty()) return std::nullopt;
    std::sort(candidates_.begin(), candidates_.end());
    candidates_.erase(std::unique(candidates_.begin(), candidates_.end()), candidates_.end());
    scratch.comparer.Reset(sets_[block[left_[k]]]);
    for (const std::uint32_t candidate : candidates_) {
      const std::uint32_t kept = block[left_[candidate]];
      if (const auto similarity = scratch.comparer.Similarity(sets_[kept])) {
        return Match{kept, *similarity};
      }
    }
    return std::nullopt;
  }

  void Keep(std::uint32_t document, std::size_t place) {
    kept_.push_back(document);
    for (std::size_t b = 0; b < index_.size(); ++b) {
      kept_hashes_[b * kStride + new_kept_] = hashes_[b * kStride + place];
    }
    ++new_kept_;
  }

  const ShingleSets& sets_;
  const NearDuplicateOptions& options_;
  const LshBands bands_;
  const MinHasher hasher_;
  std::vector<LshBand> index_;       ///< documents kept in earlier blocks
  std::vector<std::uint32_t> kept_;  ///< all kept documents with shingles, numbered as in index_
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> heads_;
  std::vector<std::uint32_t> links_;
  std::vector<std::uint32_t> kept_hashes_;  ///< of the last new_kept_ documents of kept_
  std::size_t new_kept_ = 0;                ///< kept, and not yet in index_
  std::vector<std::uint32_t> left_;  ///< places in the block that no earlier block's match removes
  std::vector<std::uint32_t> candidates_;
  std::vector<std::optional<Match>> matches_;
  std::vector<char> is_removed_;  ///< of those in left_
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
