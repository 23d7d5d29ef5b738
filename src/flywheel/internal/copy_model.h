// Copies of checkpoints.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace arena::flywheel_internal {

/// Copies the files of a finished checkpoint, without what only its training needs. Whole or not at
/// all; what was at `to` is replaced.
Status CopyModel(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace arena::flywheel_internal
