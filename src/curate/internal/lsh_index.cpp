#include "curate/internal/lsh_index.h"

#include <algorithm>
#include <bit>

#include "curate/words.h"

namespace arena {
namespace {

constexpr int kFirstBits = 6;

}  // namespace

void BandHashes(std::span<const std::uint32_t> signature, const LshBands& bands,
                std::span<std::uint32_t> hashes) {
  const std::uint32_t* next = signature.data();
  for (std::uint32_t& hash : hashes) {
    std::uint64_t mixed = 0;
    for (int r = 0; r < bands.rows; ++r) mixed = MixBits(mixed, *next++);
    hash = static_cast<std::uint32_t>(mixed >> 32);
  }
}

void LshBand::Clear() {
  slots_.assign(std::size_t{1} << kFirstBits, Slot());
  before_.clear();
  used_slots_ = 0;
  shift_ = 32 - kFirstBits;
}

std::size_t LshBand::Place(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash >> shift_;
  while (slots_[place].last != kNone && slots_[place].hash != hash) place = (place + 1) & mask;
  return place;
}

std::uint32_t LshBand::Find(std::uint32_t hash) const { return slots_[Place(hash)].last; }

void LshBand::Add(std::uint32_t hash) {
  if (used_slots_ * 4 >= slots_.size() * 3) Grow();
  Slot& slot = slots_[Place(hash)];
  if (slot.last == kNone) ++used_slots_;
  const auto document = static_cast<std::uint32_t>(before_.size());
  before_.push_back(slot.last);
  slot = {hash, document};
}

void LshBand::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  --shift_;
  for (const Slot& slot : old) {
    if (slot.last != kNone) slots_[Place(slot.hash)] = slot;
  }
}

void LshIndex::Clear() {
  for (LshBand& band : bands_) band.Clear();
}

void LshIndex::Add(std::span<const std::uint32_t> hashes) {
  for (std::size_t b = 0; b < bands_.size(); ++b) bands_[b].Add(hashes[b]);
}

void LshIndex::Prefetch(std::span<const std::uint32_t> hashes) const {
  for (std::size_t b = 0; b < bands_.size(); ++b) bands_[b].Prefetch(hashes[b]);
}

std::span<const std::uint32_t> CandidateCollector::Collect(const LshIndex& index,
                                                           std::size_t documents,
                                                           std::span<const std::uint32_t> hashes) {
  found_.clear();
  if (seen_.size() < documents) seen_.resize(std::max(documents, 2 * seen_.size()), call_);
  if (++call_ == 0) {
    std::fill(seen_.begin(), seen_.end(), 0);
    call_ = 1;
  }
  for (std::size_t b = 0; b < index.bands(); ++b) {
    const LshBand& band = index.band(b);
    for (std::uint32_t d = band.Find(hashes[b]); d != LshBand::kNone; d = band.Before(d)) {
      if (seen_[d] == call_) continue;
      seen_[d] = call_;
      found_.push_back(d);
    }
  }
  std::sort(found_.begin(), found_.end());
  return found_;
}

}  // namespace arena
