// The instruction-following difficulty of a shard, for the baseline that selects by it.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"
#include "base/result.h"
#include "store/store.h"

namespace arena::flywheel_internal {

/// Of each of the instructions that `target` battled on, by its key: the IFD (chat/ifd_rater.h),
/// under the model in `checkpoint`, of the best answer of another, by the mean score over both
/// games. `workers` processes score. Instructions without such an answer are left out.
Result<std::unordered_map<Key, double, KeyHash>> MeasureIfd(
    Store& store, const std::unordered_set<Key, KeyHash>& instructions, const std::string& target,
    const std::filesystem::path& checkpoint, unsigned workers);

}  // namespace arena::flywheel_internal
