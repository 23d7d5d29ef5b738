#include "rating/dataset.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

namespace arena {
namespace {

constexpr std::size_t kFirstTableSize = 64;
constexpr std::size_t kNameIsKey = 16;  // up to so many bytes
// Beyond them the table of plain rows (12 bytes for each two contestants) is too large.
constexpr std::uint32_t kMaxPlainContestants = 1024;

// SplitMix64's finaliser: every bit of the input reaches the low bits that index a table.
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::uint64_t RowHash(const ResultRow& row) {
  const std::uint64_t pair = (std::uint64_t{row.a} << 32) | row.b;
  const std::uint64_t result = (std::uint64_t{std::bit_cast<std::uint32_t>(row.share)} << 32) |
                               std::bit_cast<std::uint32_t>(row.weight);
  return Mix(pair * 0x9E3779B97F4A7C15ULL ^ result);
}

// A win, tie or loss of weight 1 between contestants that the table of plain rows covers.
bool IsPlain(const ResultRow& row) {
  const float doubled = 2 * row.share;
  return row.weight == 1 && doubled == static_cast<float>(static_cast<int>(doubled)) &&
         std::max(row.a, row.b) < kMaxPlainContestants;
}

bool SameResult(const ResultRow& x, const ResultRow& y) {
  return x.a == y.a && x.b == y.b && x.share == y.share && x.weight == y.weight;
}

bool IsInRange(const RatedResult& result) {
  return result.share_a >= 0 && result.share_a <= 1 && result.weight > 0 &&
         std::isfinite(result.weight);
}

template <typename Word>
std::uint64_t Load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

Dataset::NameSlot Dataset::KeyOf(std::string_view name) {
  NameSlot key;
  key.size = static_cast<std::uint32_t>(name.size());
  const char* const end = name.data() + name.size();
  if (name.size() > kNameIsKey) {
    key.low = XXH3_64bits(name.data(), name.size());
    key.high = key.low;
  } else if (name.size() >= 8) {
    key.low = Load<std::uint64_t>(name.data());
    key.high = Load<std::uint64_t>(end - 8);
  } else if (name.size() >= 4) {
    key.low = Load<std::uint32_t>(name.data());
    key.high = Load<std::uint32_t>(end - 4);
  } else {
    key.low = Load<std::uint8_t>(name.data());
    key.high =
        (Load<std::uint8_t>(name.data() + name.size() / 2) << 8) | Load<std::uint8_t>(end - 1);
  }
  return key;
}

Dataset::Dataset(DatasetOptions options)
    : options_(options),
      merges_(!options.keep_style && !options.keep_order),
      name_table_(kFirstTableSize),
      cluster_table_(kFirstTableSize),
      row_table_(kFirstTableSize) {}

Status Dataset::Add(const BattleRecord& battle, std::uint32_t times) {
  if (battle.model_a.empty() || battle.model_b.empty()) {
    return InvalidInput("a battle names an empty contestant");
  }
  auto outcome = Outcome(battle, options_.outcome);
  if (!outcome.ok()) return std::move(outcome).error();
  const RatedResults& rated = *outcome;
  for (int i = 0; i < rated.count; ++i) {
    const RatedResult& result = rated.results[static_cast<std::size_t>(i)];
    if (!IsInRange(result)) {
      return InvalidInput(
          fmt::format("a share of {} with weight {} is out of range (0 to 1, and "
                      "a positive weight)",
                      result.share_a, result.weight));
    }
  }
  const bool is_void = rated.count == 0;
  if (options_.keep_style && !is_void && !(battle.style_a && battle.style_b)) {
    return InvalidInput(
        fmt::format("style control needs the style counts of both answers, and a battle of \"{}\" "
                    "with \"{}\" has none",
                    battle.model_a, battle.model_b));
  }
  const std::uint32_t a = InternName(battle.model_a);
  const std::uint32_t b = InternName(battle.model_b);
  if (a == b) {
    return InvalidInput(
        fmt::format("contestant \"{}\" is in a battle with itself", battle.model_a));
  }
  battles_ += times;
  contestant_battles_[a] += times;
  contestant_battles_[b] += times;
  if (is_void) {
    void_battles_ += times;
    contestant_voids_[a] += times;
    contestant_voids_[b] += times;
    return {};
  }
  const std::uint32_t cluster = InternCluster(battle.instruction);
  assert(times == 1 || (merges_ && cluster == 0));
  for (int i = 0; i < rated.count; ++i) {
    const RatedResult& result = rated.results[static_cast<std::size_t>(i)];
    AddRow({a, b, cluster, times, static_cast<float>(result.share_a),
            static_cast<float>(result.weight)});
    if (options_.keep_style) styles_.push_back({*battle.style_a, *battle.style_b});
  }
  return {};
}

void Dataset::AddResult(std::string_view a, std::string_view b, std::string_view instruction,
                        double share, double weight) {
  assert(!a.empty() && !b.empty() && a != b);
  assert(!options_.keep_style);
  assert(IsInRange({share, weight}));
  const std::uint32_t index_a = InternName(a);
  const std::uint32_t index_b = InternName(b);
  ++battles_;
  ++contestant_battles_[index_a];
  ++contestant_battles_[index_b];
  AddRow({index_a, index_b, InternCluster(instruction), 1, static_cast<float>(share),
          static_cast<float>(weight)});
}

void Dataset::Append(Dataset later) {
  if (names_.empty()) {
    *this = std::move(later);
    return;
  }
  std::vector<std::uint32_t> contestant;
  for (std::size_t i = 0; i < later.names_.size(); ++i) {
    contestant.push_back(InternName(later.names_[i]));
    contestant_battles_[contestant[i]] += later.contestant_battles_[i];
    contestant_voids_[contestant[i]] += later.contestant_voids_[i];
  }
  std::vector<std::uint32_t> cluster = {0};
  for (const Key& key : later.cluster_keys_) cluster.push_back(InternClusterKey(key));
  later.ForEachRow([&](ResultRow row) {
    row.a = contestant[row.a];
    row.b = contestant[row.b];
    row.cluster = cluster[row.cluster];
    AddRow(row);
  });
  styles_.insert(styles_.end(), later.styles_.begin(), later.styles_.end());
  battles_ += later.battles_;
  void_battles_ += later.void_battles_;
}

std::uint32_t Dataset::InternName(std::string_view name) {
  const NameSlot key = KeyOf(name);
  const std::size_t mask = name_table_.size() - 1;
  std::size_t slot = MixBits(key.low, key.high) & mask;
  for (; name_table_[slot].index != 0; slot = (slot + 1) & mask) {
    const NameSlot& taken = name_table_[slot];
    if (taken.low == key.low && taken.high == key.high && taken.size == key.size &&
        (name.size() <= kNameIsKey || names_[taken.index - 1] == name)) {
      return taken.index - 1;
    }
  }
  return AddName(name, key, slot);
}

std::uint32_t Dataset::AddName(std::string_view name, NameSlot key, std::size_t free_slot) {
  names_.emplace_back(name);
  key.index = static_cast<std::uint32_t>(names_.size());
  name_table_[free_slot] = key;
  contestant_battles_.push_back(0);
  contestant_voids_.push_back(0);
  if (4 * names_.size() > name_table_.size()) GrowNames();
  return key.index - 1;
}

void Dataset::GrowNames() {
  std::vector<NameSlot> old(2 * name_table_.size());
  old.swap(name_table_);
  const std::size_t mask = name_table_.size() - 1;
  for (const NameSlot& entry : old) {
    if (entry.index == 0) continue;
    std::size_t slot = MixBits(entry.low, entry.high) & mask;
    while (name_table_[slot].index != 0) slot = (slot + 1) & mask;
    name_table_[slot] = entry;
  }
}

std::uint32_t Dataset::InternCluster(std::string_view instruction) {
  if (!options_.keep_clusters || instruction.empty()) return 0;
  if (last_cluster_ != 0 && instruction == last_instruction_) return last_cluster_;
  last_cluster_ = InternClusterKey(HashBytes(instruction));
  last_instruction_ = instruction;
  return last_cluster_;
}

std::uint32_t Dataset::InternClusterKey(const Key& key) {
  const std::size_t mask = cluster_table_.size() - 1;
  std::size_t slot = key.low & mask;
  while (cluster_table_[slot] != 0 && cluster_keys_[cluster_table_[slot] - 1] != key) {
    slot = (slot + 1) & mask;
  }
  if (cluster_table_[slot] != 0) return cluster_table_[slot];
  cluster_keys_.push_back(key);
  const auto cluster = static_cast<std::uint32_t>(cluster_keys_.size());
  cluster_table_[slot] = cluster;
  if (2 * cluster_keys_.size() > cluster_table_.size()) GrowClusters();
  return cluster;
}

void Dataset::GrowClusters() {
  cluster_table_.assign(2 * cluster_table_.size(), 0);
  const std::size_t mask = cluster_table_.size() - 1;
  for (std::uint32_t i = 0; i < cluster_keys_.size(); ++i) {
    std::size_t slot = cluster_keys_[i].low & mask;
    while (cluster_table_[slot] != 0) slot = (slot + 1) & mask;
    cluster_table_[slot] = i + 1;
  }
}

inline void Dataset::AddRow(const ResultRow& row) {
  if (!merges_ || row.cluster != 0) {
    rows_.push_back(row);
  } else if (IsPlain(row)) {
    CountPlainRow(row);
  } else {
    MergeRow(row);
  }
}

inline void Dataset::CountPlainRow(const ResultRow& row) {
  const std::uint32_t last = std::max(row.a, row.b);
  if (last >= plain_stride_) GrowPlainCounts(last + 1);
  plain_counts_[PlainCell(row.a, row.b, static_cast<std::uint32_t>(2 * row.share))] += row.count;
}

void Dataset::GrowPlainCounts(std::uint32_t contestants) {
  const std::uint32_t stride = std::bit_ceil(std::max(contestants, 2 * plain_stride_));
  std::vector<std::uint32_t> grown(std::size_t{stride} * stride * kOutcomes, 0);
  for (std::uint32_t a = 0; a < plain_stride_; ++a) {
    const std::size_t cells = std::size_t{plain_stride_} * kOutcomes;
    std::copy_n(plain_counts_.begin() + static_cast<std::ptrdiff_t>(a * cells), cells,
                grown.begin() + static_cast<std::ptrdiff_t>(std::size_t{a} * stride * kOutcomes));
  }
  plain_counts_.swap(grown);
  plain_stride_ = stride;
}

void Dataset::MergeRow(const ResultRow& row) {
  const std::size_t slot = FindRowSlot(row);
  if (row_table_[slot] != 0) {
    rows_[row_table_[slot] - 1].count += row.count;
    return;
  }
  rows_.push_back(row);
  row_table_[slot] = static_cast<std::uint32_t>(rows_.size());
  if (2 * ++merged_rows_ > row_table_.size()) GrowRows();
}

std::size_t Dataset::FindRowSlot(const ResultRow& row) const {
  const std::size_t mask = row_table_.size() - 1;
  std::size_t slot = RowHash(row) & mask;
  while (row_table_[slot] != 0 && !SameResult(rows_[row_table_[slot] - 1], row)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Dataset::GrowRows() {
  row_table_.assign(2 * row_table_.size(), 0);
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].cluster == 0) row_table_[FindRowSlot(rows_[i])] = i + 1;
  }
}

}  // namespace arena
