#include "curate/internal/lsh_index.h"

#include <algorithm>

#include "curate/words.h"

namespace arena {
void BandHashes(std::span<const std::uint32_t> signature, const LshBands& bands,
                std::uint32_t* hashes, std::size_t stride) {
  const std::uint32_t* next = signature.data();
  for (int b = 0; b < bands.bands; ++b) {
    std::uint64_t mixed = 0;
    for (int r = 0; r < bands.rows; ++r) mixed = MixBits(mixed, *next++);
    *hashes = static_cast<std::uint32_t>(mixed >> 32);
    hashes += stride;
  }
}

// At most two slots of three are used.
LshBand::LshBand(std::size_t documents)
    : slots_(documents + documents / 2 + 2), before_(documents) {}

std::size_t LshBand::Place(std::uint32_t hash) const {
  std::size_t place = FirstPlace(hash);
  while (slots_[place].after_last != 0 && slots_[place].hash != hash) {
    if (++place == slots_.size()) place = 0;
  }
  return place;
}

std::uint32_t LshBand::Enter(std::uint32_t hash, std::uint32_t document) {
  Slot& slot = slots_[Place(hash)];
  const std::uint32_t last = slot.after_last - 1;
  slot = {hash, document + 1};
  return last;
}

std::span<const std::uint32_t> CandidateCollector::Collect(std::span<const LshBand> bands,
                                                           std::size_t documents,
                                                           const std::uint32_t* heads,
                                                           std::size_t stride) {
  found_.clear();
  if (seen_.size() < documents) seen_.resize(std::max(documents, 2 * seen_.size()), call_);
  if (++call_ == 0) {
    std::fill(seen_.begin(), seen_.end(), 0);
    call_ = 1;
  }
  for (const LshBand& band : bands) {
    for (std::uint32_t d = *heads; d != kNoDocument; d = band.Before(d)) {
      if (seen_[d] == call_) continue;
      seen_[d] = call_;
      found_.push_back(d);
    }
    heads += stride;
  }
  std::sort(found_.begin(), found_.end());
  return found_;
}

}  // namespace arena
