// What length control fits: each contestant's battles with the baseline, in an order that does not
// depend on the order of the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "rating/dataset.h"
#include "rating/internal/board_building.h"
#include "rating/internal/length_control_fit.h"
#include "rating/length_control.h"
#include "rating/rate.h"

namespace arena::rating_internal {

/// The unit of a row that is never resampled: gamed rows.
inline constexpr std::uint32_t kNoUnit = 0xFFFFFFFFU;

/// One contestant's battles with the baseline, as rows of its fit.
struct LengthProblem {
  std::vector<LengthRow> rows;   ///< its own, in canonical order
  std::vector<LengthRow> gamed;  ///< the same for all contestants
  double deviation = 0;
  double raw_share = 0;  ///< weighted mean target
  double inverse_penalty = 0;
};

/// Everything that is fitted: problems by canonical index, empty for the baseline.
struct LengthTask {
  Canonical canonical;
  std::uint32_t baseline = 0;
  std::vector<LengthProblem> problems;
  std::uint32_t units = 0;
  Clustering clustering = Clustering::kNone;
  std::vector<std::string> warnings;
};

/// Checks options and tables, finds the baseline and distributes the battles. Errors: those of
/// RateLengthControlled().
Result<LengthTask> MakeLengthTask(const Dataset& data, const RatingOptions& options,
                                  const LengthControlOptions& length_control);

}  // namespace arena::rating_internal
