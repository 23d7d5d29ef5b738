// Steps that compare items with each other: exact copies, equal openings, near-duplicates.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "curate/kept_pool.h"
#include "curate/near_duplicates.h"
#include "curate/shingles.h"

namespace arena {

/// Removes items whose prompt has the same words as one that stays (words.h: case, punctuation and
/// space do not count; prompts without any word are compared byte by byte).
Result<std::vector<Removal>> RemoveExactDuplicates(const KeptPool& pool,
                                                   const std::vector<std::uint32_t>& keep_order);

struct PrefixOptions {
  ShingleUnit unit = ShingleUnit::kWords;
  int size = 10;  ///< words, or code points of the normalised text
};

/// Removes items whose prompt begins with the same `size` words or characters as one that stays.
/// Shorter prompts are left alone.
Result<std::vector<Removal>> RemoveSharedPrefixes(const KeptPool& pool,
                                                  const std::vector<std::uint32_t>& keep_order,
                                                  const PrefixOptions& options);

struct NearStepOptions {
  ShingleOptions shingles;
  NearDuplicateOptions near;
  /// Of shingle sets and tables. Beyond it the sets go to a file in `spill_folder` and the tables
  /// hold a part of the items at a time: the same result in more time.
  std::int64_t memory_mb = 4096;
  std::filesystem::path spill_folder;  ///< empty: the system's for temporary files
  /// What other thresholds would remove, for the report. Each costs as much as the step.
  std::vector<double> curve_thresholds;
};

struct CurvePoint {
  double threshold = 0;
  std::int64_t removed = 0;
};

struct NearStepResult {
  std::vector<Removal> removals;
  std::vector<CurvePoint> curve;  ///< the step's own threshold included, ascending
};

/// Removes near-duplicates as FindNearDuplicates does, in `keep_order`.
Result<NearStepResult> RemoveNearDuplicates(const KeptPool& pool,
                                            const std::vector<std::uint32_t>& keep_order,
                                            const NearStepOptions& options);

}  // namespace arena
