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
  std::size_t place = FirstPlace(hash);
  while (slots_[place].after_last != 0 && slots_[place].hash != hash) {
    if (++place == slots_.size()) place = 0;
  }
  return place;
}

std::uint32_t LshBand::Enter(std::uint32_t hash, std::uint32_t document) {
  LshSlot& slot = slots_[Place(hash)];
  const std::uint32_t last = slot.after_last - 1;
  slot = {hash, document + 1};
  return last;
}

// At most two slots of three are used.
LshIndex::LshIndex(std::size_t bands, std::size_t documents)
    : bands_(bands),
      documents_(documents),
      slots_of_band_(documents + documents / 2 + 2),
      slots_(bands * slots_of_band_),
      before_(bands * documents) {}

LshBand LshIndex::band(std::size_t b) const {
  return {{slots_.data() + b * slots_of_band_, slots_of_band_},
          {before_.data() + b * documents_, documents_}};
}

std::span<const std::uint32_t> CandidateCollector::Collect(const LshIndex& index,
                                                           const std::uint32_t* heads,
                                                           std::size_t stride) {
  found_.clear();
  seen_.resize(std::max(seen_.size(), index.documents()), call_);
  if (++call_ == 0) {
    std::fill(seen_.begin(), seen_.end(), 0);
    call_ = 1;
  }
  for (std::size_t b = 0; b < index.bands(); ++b) {
    const LshBand band = index.band(b);
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
