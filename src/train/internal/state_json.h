// The file state.json of a training checkpoint.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/training_state.h"

namespace arena::train::internal {

/// The content of each file of tensors, by its name: a hash of names and bytes.
using ContentHashes = std::map<std::string, std::string>;

/// Error: a number that is not finite, which JSON cannot hold.
Result<std::string> StateToJson(const TrainingState& state, const ContentHashes& hashes);

struct ParsedState {
  TrainingState state;
  ContentHashes hashes;
};

/// Error: not such a document, or one of another version.
Result<ParsedState> ParseState(std::string_view text);

}  // namespace arena::train::internal
