// Style differences as features of a logistic regression.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "rating/rate.h"

namespace arena::rating_internal {

/// Normalised differences a - b of the style counts, before division by the deviation: length,
/// headers, lists, bold, in this order. Odd in its arguments.
std::array<double, 4> StyleDifferences(const StyleRow& row, StyleNormalisation normalisation);

struct StyleColumns {
  std::vector<StyleCoefficient> coefficients;  ///< feature, mean and deviation; of a frozen fit all
  std::vector<std::vector<double>> columns;    ///< per coefficient: (difference - mean) / deviation
};

/// The features of `rows` taken in the order `order` (sums run in that order). Appends warnings of
/// features that are the same everywhere. Errors: unknown, repeated or unusable frozen
/// coefficients.
Result<StyleColumns> MakeStyleColumns(const std::vector<StyleRow>& rows,
                                      const std::vector<std::uint32_t>& order,
                                      const StyleOptions& options, unsigned threads,
                                      std::vector<std::string>& warnings);

}  // namespace arena::rating_internal
