#include "battle/pairing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace arena {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

Result<std::size_t> IndexOf(std::span<const std::string> names, std::string_view name,
                            std::string_view role) {
  if (name.empty()) return InvalidInput(fmt::format("the pairing needs a {}: name it", role));
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto near = NearestName(name, views);
  return InvalidInput(fmt::format("the {} \"{}\" is not a contestant{}", role, name,
                                  near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
}

Pairs Everyone(std::size_t count) {
  Pairs pairs;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) pairs.emplace_back(i, j);
  }
  return pairs;
}

Pairs AgainstOne(std::size_t hub, std::span<const std::size_t> others) {
  Pairs pairs;
  for (const std::size_t other : others) {
    if (other != hub) pairs.emplace_back(hub, other);
  }
  return pairs;
}

Result<Pairs> AgainstRivals(std::span<const std::string> names, std::size_t target,
                            std::span<const std::string> rivals) {
  std::vector<std::size_t> others;
  for (const std::string& rival : rivals) {
    ARENA_ASSIGN_OR_RETURN(const std::size_t index, IndexOf(names, rival, "rival"));
    if (index == target) {
      return InvalidInput(fmt::format("\"{}\" is both the target and a rival", rival));
    }
    if (std::find(others.begin(), others.end(), index) == others.end()) others.push_back(index);
  }
  return AgainstOne(target, others);
}

}  // namespace

std::string_view PairingName(Pairing pairing) {
  switch (pairing) {
    case Pairing::kAll:
      return "all";
    case Pairing::kTarget:
      return "target";
    case Pairing::kBaseline:
      return "baseline";
  }
  return "";
}

std::optional<Pairing> ParsePairing(std::string_view name) {
  for (const Pairing pairing : {Pairing::kAll, Pairing::kTarget, Pairing::kBaseline}) {
    if (PairingName(pairing) == name) return pairing;
  }
  return std::nullopt;
}

Result<Pairs> MakePairs(std::span<const std::string> names, const PairingOptions& options) {
  if (names.size() < 2) return InvalidInput("battles need at least two contestants");
  if (options.pairing == Pairing::kAll) return Everyone(names.size());
  const bool is_target = options.pairing == Pairing::kTarget;
  ARENA_ASSIGN_OR_RETURN(const std::size_t hub,
                         IndexOf(names, is_target ? options.target : options.baseline,
                                 is_target ? "target" : "baseline"));
  if (is_target && !options.rivals.empty()) return AgainstRivals(names, hub, options.rivals);
  std::vector<std::size_t> everyone(names.size());
  for (std::size_t i = 0; i < everyone.size(); ++i) everyone[i] = i;
  return AgainstOne(hub, everyone);
}

void KeySample::Offer(const Key& key) {
  if (count_ == 0) return;
  const Key rank = KeyBuilder("sample").Add(static_cast<std::int64_t>(seed_)).Add(key).Build();
  if (heap_.size() == count_) {
    if (heap_.front().first <= rank) return;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
  heap_.emplace_back(rank, key);
  std::push_heap(heap_.begin(), heap_.end());
}

std::vector<Key> KeySample::Take() {
  std::sort(heap_.begin(), heap_.end());
  std::vector<Key> keys;
  keys.reserve(heap_.size());
  for (const auto& [rank, key] : heap_) keys.push_back(key);
  heap_.clear();
  return keys;
}

}  // namespace arena
