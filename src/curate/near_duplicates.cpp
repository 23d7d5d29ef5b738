#include "curate/near_duplicates.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "curate/internal/lsh_index.h"
#include "curate/minhash.h"

namespace arena {
namespace {

constexpr std::size_t kBlock = 4096;  // documents that are looked up before any is added
constexpr std::size_t kPart = 64;     // documents that a thread takes at once
constexpr std::size_t kAhead = 4;     // documents whose table places are fetched ahead

struct Match {
  std::uint32_t kept;  // number among the kept documents
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

class Finder {
 public:
  Finder(const ShingleSets& sets, const NearDuplicateOptions& options)
      : sets_(sets),
        options_(options),
        bands_(BandsOf(options)),
        hasher_(options.permutations, options.seed),
        index_(bands_),
        block_index_(bands_),
        hashes_(kBlock * static_cast<std::size_t>(bands_.bands)),
        matches_(kBlock) {}

  std::vector<NearDuplicate> Find(std::span<const std::uint32_t> order) {
    for (std::size_t at = 0; at < order.size(); at += kBlock) {
      const auto block = order.subspan(at, std::min(kBlock, order.size() - at));
      LookUp(block);
      Resolve(block);
      AddKept();
    }
    return std::move(removed_);
  }

 private:
  // What a thread needs to look documents up.
  struct Scratch {
    explicit Scratch(double threshold) : comparer(threshold) {}
    CandidateCollector candidates;
    Comparer comparer;
  };

  std::span<std::uint32_t> Hashes(std::size_t i) {
    const auto bands = static_cast<std::size_t>(bands_.bands);
    return std::span(hashes_).subspan(i * bands, bands);
  }

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

  // The earliest kept document of `index`, whose documents begin at kept_[first], that is near.
  std::optional<Match> Nearest(const LshIndex& index, std::size_t first, std::size_t i,
                               std::uint32_t document, Scratch& scratch) {
    const auto candidates = scratch.candidates.Collect(index, kept_.size() - first, Hashes(i));
    if (candidates.empty()) return std::nullopt;
    scratch.comparer.Reset(sets_[document]);
    for (const std::uint32_t candidate : candidates) {
      const std::size_t kept = first + candidate;
      if (const auto similarity = scratch.comparer.Similarity(sets_[kept_[kept]])) {
        return Match{static_cast<std::uint32_t>(kept), *similarity};
      }
    }
    return std::nullopt;
  }

  // Signs the block's documents and compares them with what was kept in earlier blocks.
  void LookUp(std::span<const std::uint32_t> block) {
    ParallelFor((block.size() + kPart - 1) / kPart, options_.threads, [&](std::size_t part) {
      auto scratch = TakeScratch();
      const std::size_t begin = part * kPart, end = std::min(begin + kPart, block.size());
      std::vector<std::uint32_t> signature(hasher_.permutations());
      for (std::size_t i = begin; i < end; ++i) {
        hasher_.Sign(sets_[block[i]], signature);
        BandHashes(signature, bands_, Hashes(i));
      }
      for (std::size_t i = begin; i < end; ++i) {
        if (i == begin) {
          for (std::size_t a = begin; a < std::min(begin + kAhead, end); ++a) {
            index_.Prefetch(Hashes(a));
          }
        }
        if (i + kAhead < end) index_.Prefetch(Hashes(i + kAhead));
        matches_[i] = sets_[block[i]].empty()
                          ? std::nullopt
                          : Nearest(index_, 0, i, block[i], *scratch);
      }
      ReturnScratch(std::move(scratch));
    });
  }

  // Compares what is left of the block with what was kept before it in the same block.
  void Resolve(std::span<const std::uint32_t> block) {
    const std::size_t first = kept_.size();
    auto scratch = TakeScratch();
    block_index_.Clear();
    kept_places_.clear();
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::uint32_t document = block[i];
      if (sets_[document].empty()) continue;
      if (!matches_[i]) matches_[i] = Nearest(block_index_, first, i, document, *scratch);
      if (matches_[i]) {
        removed_.push_back({document, kept_[matches_[i]->kept], matches_[i]->similarity});
        continue;
      }
      block_index_.Add(Hashes(i));
      kept_.push_back(document);
      kept_places_.push_back(i);
    }
    ReturnScratch(std::move(scratch));
  }

  void AddKept() {
    ParallelFor(index_.bands(), options_.threads, [&](std::size_t b) {
      LshBand& band = index_.band(b);
      constexpr std::size_t kPrefetched = 16;
      for (std::size_t k = 0; k < kept_places_.size(); ++k) {
        if (k + kPrefetched < kept_places_.size()) {
          band.Prefetch(Hashes(kept_places_[k + kPrefetched])[b]);
        }
        band.Add(Hashes(kept_places_[k])[b]);
      }
    });
  }

  const ShingleSets& sets_;
  const NearDuplicateOptions& options_;
  const LshBands bands_;
  const MinHasher hasher_;
  LshIndex index_;        ///< documents kept in earlier blocks
  LshIndex block_index_;  ///< documents kept in this block
  std::vector<std::uint32_t> kept_;
  std::vector<std::size_t> kept_places_;  ///< in the block, of the documents kept in it
  std::vector<std::uint32_t> hashes_;     ///< (block, bands)
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
