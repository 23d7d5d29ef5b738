// Which documents agree with a signature in a whole band.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/zeroed_array.h"
#include "curate/lsh_bands.h"

namespace arena {

/// "No document" in lists of documents.
inline constexpr std::uint32_t kNoDocument = UINT32_MAX;

/// One hash of each band of a signature; that of band b goes to hashes[b * stride].
void BandHashes(std::span<const std::uint32_t> signature, const LshBands& bands,
                std::uint32_t* hashes, std::size_t stride);

/// A place of a band's table.
struct LshSlot {
  std::uint32_t hash;
  std::uint32_t after_last;  ///< the last document with this hash + 1; 0: the place is free
};

/// The documents of one band by their hash: an open-addressing table whose places head lists of
/// documents with the same hash. A view of an LshIndex. Reading is thread-safe while nothing is
/// written.
class LshBand {
 public:
  LshBand(std::span<LshSlot> slots, std::span<std::uint32_t> before)
      : slots_(slots), before_(before) {}

  /// The last document with this hash, or kNoDocument.
  std::uint32_t Find(std::uint32_t hash) const { return slots_[Place(hash)].after_last - 1; }
  /// The same, and `document` takes its place.
  std::uint32_t Enter(std::uint32_t hash, std::uint32_t document);
  /// The document that follows this one in its list, or kNoDocument.
  std::uint32_t Before(std::uint32_t document) const { return before_[document]; }
  void SetBefore(std::uint32_t document, std::uint32_t before) { before_[document] = before; }
  /// Asks for the memory that Find and Enter will touch.
  void Prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[FirstPlace(hash)]); }

 private:
  std::size_t FirstPlace(std::uint32_t hash) const {
    return static_cast<std::size_t>(std::uint64_t{hash} * slots_.size() >> 32);
  }
  std::size_t Place(std::uint32_t hash) const;

  std::span<LshSlot> slots_;
  std::span<std::uint32_t> before_;
};

/// The tables of all bands in one piece of memory: 16 bytes a band for each document that there is
/// room for. Several threads may work on different bands.
class LshIndex {
 public:
  LshIndex() = default;
  /// Room for the documents 0 to `documents` - 1. Throws std::bad_alloc.
  LshIndex(std::size_t bands, std::size_t documents);

  std::size_t bands() const { return bands_; }
  std::size_t documents() const { return documents_; }
  LshBand band(std::size_t b) const;

 private:
  std::size_t bands_ = 0;
  std::size_t documents_ = 0;
  std::size_t slots_of_band_ = 0;
  ZeroedArray<LshSlot> slots_;
  ZeroedArray<std::uint32_t> before_;
};

/// Collects the candidates of one document after the other. Not thread-safe.
class CandidateCollector {
 public:
  /// The documents in the lists of the bands that begin at heads[b * stride], ascending, each once.
  /// Valid until the next call.
  std::span<const std::uint32_t> Collect(const LshIndex& index, const std::uint32_t* heads,
                                         std::size_t stride);

 private:
  std::vector<std::uint32_t> found_;
  std::vector<std::uint32_t> seen_;  ///< the call that last met a document
  std::uint32_t call_ = 0;
};

}  // namespace arena
