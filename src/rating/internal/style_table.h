// The rows of a style regression, in the order and the layout in which it works through them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "rating/internal/pairs.h"
#include "rating/rate.h"

namespace arena::rating_internal {

/// Grouped by pair, in the frame where a is the contestant whose name comes first. The order does
/// not depend on the order of the battles. Features are kept in single precision: a rounding of
/// 6e-8 of a deviation changes no rating by more than a millionth of a point.
struct StyleTable {
  Pairs pairs;
  std::vector<std::size_t> first;  ///< per pair: its first row; one more at the end
  std::vector<std::vector<float>>
      features;                 ///< of the fitted coefficients, then kStylePadding zeros
  std::vector<double> largest;  ///< per feature: its largest absolute value
  std::vector<double> offset;   ///< what frozen coefficients add to the logit; empty: nothing
  std::vector<float> share;     ///< a's; padded as features are
  std::vector<double> weight;
  std::vector<std::uint32_t> unit;  ///< sampling unit
  std::uint32_t units = 0;
  bool rows_are_units = false;  ///< unit[r] == r for every row

  std::size_t rows() const { return unit.size(); }
  std::size_t parameters() const { return pairs.contestants + features.size(); }

  /// Rows worked on at a time, so that they stay in the first-level cache.
  static constexpr std::size_t kPiece = 1024;
  struct Piece {
    std::size_t begin;
    std::size_t end;
    std::size_t first_pair;  ///< of row `begin`
    std::size_t size() const { return end - begin; }
  };

  /// Calls work(piece) for all pieces in order.
  template <typename Work>
  void ForEachPiece(Work work) const {
    std::size_t pair = 0;
    for (std::size_t begin = 0; begin < rows(); begin += kPiece) {
      const Piece piece{begin, std::min(begin + kPiece, rows()), pair};
      work(piece);
      while (pair < pairs.size() && first[pair + 1] <= piece.end) ++pair;
    }
  }

  /// Calls run(pair, from, to) for each pair's rows within the piece, counted from its begin.
  template <typename Run>
  void ForEachRun(const Piece& piece, Run run) const {
    std::size_t pair = piece.first_pair;
    for (std::size_t from = piece.begin; from < piece.end; ++pair) {
      const std::size_t to = std::min(first[pair + 1], piece.end);
      if (to > from) run(pair, from - piece.begin, to - piece.begin);
      from = to;
    }
  }

  /// A bound on how much adding `step` to the parameters changes any row's logit.
  double LogitChange(std::span<const double> step) const;
  /// Writes the logits of the piece's rows at the parameters x.
  void Logits(std::span<const double> x, const Piece& piece, double* logits) const;
  /// Adds the sum over the piece's rows of value * z, z being +1 at a, -1 at b, and the features.
  void AddSum(const Piece& piece, const double* values, std::span<double> sum) const;
  /// Adds the sum over the piece's rows of value * z z' to a column-major matrix, both triangles.
  void AddProducts(const Piece& piece, const double* values, std::span<double> matrix) const;
};

/// Fills `coefficients` with features, means and deviations (of frozen ones with all). Appends
/// warnings of features that are the same everywhere. Errors: what is wrong with frozen
/// coefficients.
Result<StyleTable> MakeStyleTable(const Dataset& data, const Canonical& canonical,
                                  const RatingOptions& options, Clustering clustering,
                                  std::vector<StyleCoefficient>& coefficients,
                                  std::vector<std::string>& warnings);

}  // namespace arena::rating_internal
