// Exact binomial and multinomial draws for the bootstrap.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace arena::rating_internal {

/// A draw from Binomial(trials, p), p in [0, 1], exact up to the rounding of doubles: inversion
/// where the smaller mean is below 10, else Hörmann's transformed rejection with squeeze (BTRS,
/// Journal of Statistical Computation and Simulation 46, 1993).
std::uint64_t DrawBinomial(Rng& rng, std::uint64_t trials, double p);

/// How often each of `units` is drawn in as many draws with replacement.
std::vector<std::uint16_t> ResampleUnits(Rng& rng, std::uint32_t units);

/// Draws from Poisson distributions of a few fixed means by Walker's alias method: one random word
/// and one look into a table, whatever the mean.
class PoissonTables {
 public:
  /// Adds a mean, at least 0 and at most some hundreds, and returns its number: 0, 1, ...
  std::uint32_t Add(double mean);
  std::uint32_t Draw(Rng& rng, std::uint32_t table) const {
    const Table& t = tables_[table];
    const std::uint64_t random = rng();
    const Cell& cell = cells_[t.first + (random >> t.shift)];
    return random << (64 - t.shift) < cell.bound ? cell.count : cell.alias;
  }

 private:
  struct Table {
    std::size_t first = 0;  // cell
    int shift = 0;          // 64 - log2 of the number of cells, which is 2 or more
  };
  // Of all equally likely cells' mass, `bound` of 2^64 belongs to `count` and the rest to `alias`.
  struct Cell {
    std::uint64_t bound = 0;
    std::uint32_t count = 0;
    std::uint32_t alias = 0;
  };
  void FillCells(std::vector<double> mass, std::uint32_t lowest);

  std::vector<Table> tables_;
  std::vector<Cell> cells_;
};

/// Resamples with replacement as many items as there are, where category i holds sizes[i] of them.
///
/// Few items are drawn one by one. Many are drawn as independent Poisson counts with means a little
/// below the sizes: given their sum they are multinomial, and the few items that the sum is short
/// of are drawn one by one. Where the sum is too large, the round is drawn again. Large categories
/// take binomial shares beforehand. All steps are exact. Thread-safe after construction.
class Multinomial {
 public:
  /// `sizes` are whole and not negative.
  explicit Multinomial(std::vector<double> sizes);

  /// Counts per category; they sum to the sum of the sizes.
  void Draw(Rng& rng, std::vector<double>& counts) const;

  std::uint64_t total() const { return total_; }

 private:
  void PrepareTables();
  bool DrawByTables(Rng& rng, std::uint64_t trials, std::vector<double>& counts) const;
  void DrawOneByOne(Rng& rng, std::uint64_t trials, std::vector<double>& counts) const;
  std::uint32_t DrawSmall(Rng& rng) const;

  std::vector<double> sizes_;
  std::uint64_t total_ = 0;
  std::vector<std::uint32_t> large_;  // categories drawn by binomial shares
  std::vector<std::uint32_t> small_;  // the others, by size: categories that share a table meet
  std::uint64_t small_total_ = 0;
  bool use_tables_ = false;
  std::vector<std::uint32_t> table_;  // per small category
  PoissonTables poisson_;
  std::vector<std::uint64_t> first_item_;  // per small category; one more at the end
  std::vector<std::uint32_t> guide_;       // the small category of item g << guide_shift_
  int guide_shift_ = 0;
};

}  // namespace arena::rating_internal
