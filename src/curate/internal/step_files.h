// What a step removed, on disk: steps need not run again.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "curate/curation.h"

namespace arena {

/// The settings of one step, as SettingsJson has them.
Json StepSettingsJson(CurationStep step, const CurationSettings& settings);

/// The result of a step.
struct StepResult {
  std::vector<Removal> removals;
  std::vector<CurvePoint> curve;  ///< of the step kNear
};

/// Writes the result with the fingerprint of all that it depends on.
Status WriteStepFile(const std::filesystem::path& file, const Key& fingerprint,
                     const StepResult& result);

/// The result if the file is there, whole and with this fingerprint; else nothing.
std::optional<StepResult> ReadStepFile(const std::filesystem::path& file, const Key& fingerprint,
                                       std::size_t pool_items);

}  // namespace arena
