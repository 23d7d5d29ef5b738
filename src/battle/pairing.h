// Which contestants meet, and on which instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace arena {

enum class Pairing {
  kAll,       ///< every pair of contestants
  kTarget,    ///< the target against each rival
  kBaseline,  ///< everyone against the baseline
};
std::string_view PairingName(Pairing pairing);
std::optional<Pairing> ParsePairing(std::string_view name);

struct PairingOptions {
  Pairing pairing = Pairing::kAll;
  std::string target{};               ///< kTarget
  std::vector<std::string> rivals{};  ///< kTarget; empty: everyone but the target
  std::string baseline{};             ///< kBaseline
};

/// Pairs of indices into `names`. Errors: fewer than two contestants, a name that is not among
/// them, a target that is its own rival.
Result<std::vector<std::pair<std::size_t, std::size_t>>> MakePairs(
    std::span<const std::string> names, const PairingOptions& options);

/// Draws `count` of the offered keys at random. The draw depends on the seed and on the keys, not
/// on their order: the keys with the smallest seeded hashes are taken, so that a larger draw with
/// the same seed contains the smaller one. Holds at most `count` keys. Not thread-safe.
class KeySample {
 public:
  KeySample(std::size_t count, std::uint64_t seed) : count_(count), seed_(seed) {}
  void Offer(const Key& key);
  /// The drawn keys in the order of the draw, so that a larger draw begins with the smaller one.
  std::vector<Key> Take();

 private:
  std::size_t count_;
  std::uint64_t seed_;
  std::vector<std::pair<Key, Key>> heap_;  // (seeded hash, key); the largest hash on top
};

}  // namespace arena
