// The files of checkpoints.
#pragma once

#include <filesystem>

#include "base/hash.h"
#include "base/result.h"

namespace arena::flywheel_internal {

/// Copies the files of a finished checkpoint, without what only its training needs. Whole or not at
/// all; what was at `to` is replaced. Files of 64 MiB and more
/// are linked where the disk allows it.
Status CopyModel(const std::filesystem::path& from, const std::filesystem::path& to);

/// Of the weights: model.safetensors, or else all files of the folder by name and content. Error: a
/// folder without files.
Result<Key> HashModel(const std::filesystem::path& folder);

}  // namespace arena::flywheel_internal
