// The input of every rating: results between contestants, interned and compact.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/battle.h"

namespace arena {

/// One result row. `a` is the contestant listed as model_a; share is model_a's.
struct ResultRow {
  std::uint32_t a = 0;  ///< index into Dataset::contestants
  std::uint32_t b = 0;
  std::uint32_t cluster = 0;  ///< 1 + index into Dataset::cluster_keys; 0: instruction not known
  std::uint32_t count = 1;    ///< how many identical results this row stands for (1 unless merged)
  float share = 0.5F;         ///< a's share: 1 won, 0 lost, 0.5 tie, fractions allowed
  float weight = 1.0F;        ///< of each of the `count` results
};

/// The style counts of both answers as the source counted them; the normalised differences are the
/// rating's (StyleOptions).
struct StyleRow {
  StyleCounts a;
  StyleCounts b;
};

struct DatasetOptions {
  OutcomeOptions outcome{};
  bool keep_clusters = true;  ///< false: instructions are forgotten and identical rows are merged
                              ///< while they are added, so memory depends on the number of pairs
                              ///< and not of battles
  bool keep_style = false;    ///< keep StyleRow beside each row; implies no merging
  bool keep_order = false;    ///< keep one row per result in arrival order (online Elo)
};

/// Collects battles. Rows are kept in the order in which they were added unless merged; rows
/// without an instruction are merged too, where neither style nor order is kept. Of merged rows
/// only the number counts, so most of them are no more than a count in a table: ForEachRow() visits
/// them all. Building is not thread-safe; reading is.
class Dataset {
 public:
  explicit Dataset(DatasetOptions options);

  /// Adds the rated results of one battle. Void battles are counted, not added. Errors: what
  /// Outcome() reports, a contestant against itself, an empty name, a share or weight out of range,
  /// a battle without style counts where style is kept. A battle that fails leaves no row behind.
  ///
  /// `times` adds as many battles that are alike; it is 1 unless merges() and the battle has no
  /// instruction.
  Status Add(const BattleRecord& battle, std::uint32_t times = 1);

  /// Adds an already decided result as one battle. The names differ and are not empty, share is in
  /// [0, 1], weight is positive, and the dataset keeps no style.
  void AddResult(std::string_view a, std::string_view b, std::string_view instruction, double share,
                 double weight);

  /// Adds all that `later`, made with the same options, holds: the result is as if its battles had
  /// been added here one by one.
  void Append(Dataset later);

  const DatasetOptions& options() const { return options_; }
  /// Whether results without an instruction are merged, neither style nor order being kept.
  bool merges() const { return merges_; }
  const std::vector<std::string>& contestants() const { return names_; }
  /// The rows, where style or order is kept and so none is merged.
  const std::vector<ResultRow>& rows() const {
    assert(!merges_);
    return rows_;
  }
  /// Calls visit(row) for every row, the merged ones last and each of them once.
  template <typename Visit>
  void ForEachRow(Visit visit) const {
    for (const ResultRow& row : rows_) visit(row);
    const std::uint32_t contestants =
        std::min(plain_stride_, static_cast<std::uint32_t>(names_.size()));
    for (std::uint32_t a = 0; a < contestants; ++a) {
      for (std::uint32_t b = 0; b < contestants; ++b) {
        for (std::uint32_t outcome = 0; outcome < kOutcomes; ++outcome) {
          const std::uint32_t count = plain_counts_[PlainCell(a, b, outcome)];
          if (count > 0) visit(ResultRow{a, b, 0, count, static_cast<float>(outcome) / 2, 1});
        }
      }
    }
  }
  const std::vector<StyleRow>& styles() const { return styles_; }
  /// How many battles were added, and how many of them were void (per contestant, too).
  std::int64_t battles() const { return battles_; }
  std::int64_t void_battles() const { return void_battles_; }
  const std::vector<std::int64_t>& battles_by_contestant() const { return contestant_battles_; }
  const std::vector<std::int64_t>& voids_by_contestant() const { return contestant_voids_; }
  /// Number of distinct instructions among the rows; 0 where the source names none.
  std::uint32_t clusters() const { return static_cast<std::uint32_t>(cluster_keys_.size()); }
  /// Hashes of the instructions' identities, in the order in which they were first seen. They give
  /// clusters an order that does not depend on the order of the battles.
  const std::vector<Key>& cluster_keys() const { return cluster_keys_; }

 private:
  /// A name of up to 16 bytes is its own key; a longer one's is its hash, and bytes decide.
  struct NameSlot {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint32_t size = 0;
    std::uint32_t index = 0;  ///< 1 + index into names_; 0: free
  };

  static NameSlot KeyOf(std::string_view name);
  std::uint32_t InternName(std::string_view name);
  std::uint32_t AddName(std::string_view name, NameSlot key, std::size_t free_slot);
  std::uint32_t InternCluster(std::string_view instruction);
  std::uint32_t InternClusterKey(const Key& key);
  void GrowNames();
  void GrowClusters();
  void GrowRows();
  void GrowPlainCounts(std::uint32_t contestants);
  std::size_t PlainCell(std::uint32_t a, std::uint32_t b, std::uint32_t outcome) const {
    return (std::size_t{a} * plain_stride_ + b) * kOutcomes + outcome;
  }
  void AddRow(const ResultRow& row);
  void CountPlainRow(const ResultRow& row);
  void MergeRow(const ResultRow& row);
  std::size_t FindRowSlot(const ResultRow& row) const;

  DatasetOptions options_;
  bool merges_;  ///< rows without an instruction
  std::vector<std::string> names_;
  std::vector<ResultRow> rows_;
  std::vector<StyleRow> styles_;
  std::vector<Key> cluster_keys_;
  std::vector<std::int64_t> contestant_battles_;
  std::vector<std::int64_t> contestant_voids_;
  std::int64_t battles_ = 0;
  std::int64_t void_battles_ = 0;

  // Open-addressing tables of power-of-two sizes, at most half full; that of the names a quarter,
  // so that a search seldom takes a second look.
  std::vector<NameSlot> name_table_;
  std::vector<std::uint32_t> cluster_table_;  // 1 + index into cluster_keys_; 0: free
  std::vector<std::uint32_t> row_table_;      // 1 + index into rows_; 0: free
  // How many losses, ties and wins of weight 1 the first contestants had with each other, which are
  // most results of most inputs: at (a * plain_stride_ + b) * kOutcomes + twice the share of a.
  static constexpr std::uint32_t kOutcomes = 3;
  std::vector<std::uint32_t> plain_counts_;
  std::uint32_t plain_stride_ = 0;
  std::size_t merged_rows_ = 0;   // rows that are in row_table_
  std::string last_instruction_;  // battles of one instruction often come together
  std::uint32_t last_cluster_ = 0;
};

}  // namespace arena
