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

std::size_t LshBand::Place(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash >> shift_;
  while (slots_[place].last != kNoDocument && slots_[place].hash != hash) {
    place = (place + 1) & mask;
  }
  return place;
}

void LshBand::Add(std::uint32_t hash) {
  if (used_slots_ * 4 >= slots_.size() * 3) Grow();
  Slot& slot = slots_[Place(hash)];
  if (slot.last == kNoDocument) ++used_slots_;
  const auto document = static_cast<std::uint32_t>(before_.size());
  before_.push_back(slot.last);
  slot = {hash, document};
}

void LshBand::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  --shift_;
  for (const Slot& slot : old) {
    if (slot.last != kNoDocument) slots_[Place(slot.hash)] = slot;
  }
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
