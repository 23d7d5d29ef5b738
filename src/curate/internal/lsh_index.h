// Which documents agree with a signature in a whole band.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "curate/lsh_bands.h"

namespace arena {

/// "No document" in lists of documents.
inline constexpr std::uint32_t kNoDocument = UINT32_MAX;

/// One hash of each band of a signature; that of band b goes to hashes[b * stride].
void BandHashes(std::span<const std::uint32_t> signature, const LshBands& bands,
                std::uint32_t* hashes, std::size_t stride);

/// The documents of one band by their hash, numbered 0, 1, ... as they come. An open-addressing
/// table whose slots head lists of documents with the same hash: 4 bytes for each document and
/// 11-21 for each hash. Reading is thread-safe while nothing is added.
class LshBand {
 public:
  /// Adds the next document.
  void Add(std::uint32_t hash);
  /// The last document with this hash, or kNoDocument.
  std::uint32_t Find(std::uint32_t hash) const { return slots_[Place(hash)].last; }
  /// The last document with the same hash before this one, or kNoDocument.
  std::uint32_t Before(std::uint32_t document) const { return before_[document]; }
  /// Asks for the memory that Find and Add will touch.
  void Prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash >> shift_]); }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t last = kNoDocument;
  };

  std::size_t Place(std::uint32_t hash) const;
  void Grow();

  static constexpr int kFirstBits = 6;

  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << kFirstBits);
  std::vector<std::uint32_t> before_;
  std::size_t used_slots_ = 0;
  int shift_ = 32 - kFirstBits;  ///< a hash's upper bits are its place
};

/// Collects the candidates of one document after the other. Not thread-safe.
class CandidateCollector {
 public:
  /// The documents, of `documents` in all, in the lists of `bands` that begin at heads[b * stride],
  /// ascending, each once. Valid until the next call.
  std::span<const std::uint32_t> Collect(std::span<const LshBand> bands, std::size_t documents,
                                         const std::uint32_t* heads, std::size_t stride);

 private:
  std::vector<std::uint32_t> found_;
  std::vector<std::uint32_t> seen_;  ///< the call that last met a document
  std::uint32_t call_ = 0;
};

}  // namespace arena
