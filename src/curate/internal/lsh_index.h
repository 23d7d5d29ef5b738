// Which documents agree with a signature in a whole band.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "curate/lsh_bands.h"

namespace arena {

/// One hash of each band of a signature.
void BandHashes(std::span<const std::uint32_t> signature, const LshBands& bands,
                std::span<std::uint32_t> hashes);

/// The documents of one band by their hash, numbered 0, 1, ... as they come. An open-addressing
/// table whose slots head lists of documents with the same hash.
class LshBand {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  LshBand() { Clear(); }
  void Clear();
  /// Adds the next document.
  void Add(std::uint32_t hash);
  /// The last document with this hash, or kNone.
  std::uint32_t Find(std::uint32_t hash) const;
  /// The document with the same hash before this one, or kNone.
  std::uint32_t Before(std::uint32_t document) const { return before_[document]; }
  /// Asks for the memory that Find and Add will touch.
  void Prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash >> shift_]); }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t last = kNone;
  };

  std::size_t Place(std::uint32_t hash) const;
  void Grow();

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> before_;
  std::size_t used_slots_ = 0;
  int shift_ = 0;  ///< a hash's upper bits are its place
};

/// Documents by all bands. Reading is thread-safe while nothing is added; different bands may be
/// written by different threads.
class LshIndex {
 public:
  explicit LshIndex(const LshBands& bands) : bands_(static_cast<std::size_t>(bands.bands)) {}

  std::size_t bands() const { return bands_.size(); }
  LshBand& band(std::size_t b) { return bands_[b]; }
  const LshBand& band(std::size_t b) const { return bands_[b]; }
  void Clear();
  /// Adds the next document to every band.
  void Add(std::span<const std::uint32_t> hashes);
  void Prefetch(std::span<const std::uint32_t> hashes) const;

 private:
  std::vector<LshBand> bands_;
};

/// Collects the candidates of one document after the other. Not thread-safe.
class CandidateCollector {
 public:
  /// The documents of `index` that share a band with `hashes`, ascending, each once. Valid until
  /// the next call. `documents`: how many the index holds.
  std::span<const std::uint32_t> Collect(const LshIndex& index, std::size_t documents,
                                         std::span<const std::uint32_t> hashes);

 private:
  std::vector<std::uint32_t> found_;
  std::vector<std::uint32_t> seen_;  ///< the call that last met a document
  std::uint32_t call_ = 0;
};

}  // namespace arena
