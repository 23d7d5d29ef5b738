// The files of a finished curation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "curate/curation.h"
#include "curate/internal/step_files.h"

namespace arena {

/// A step that has run.
struct FinishedStep {
  CurationStep step{};
  Key fingerprint;
  bool was_done = false;
  StepResult result;
};

/// All that the writers need. Refers to what RunCuration owns.
struct CurationOutput {
  const CurationInputs& inputs;
  const CurationSettings& settings;
  const PoolIndex& index;
  const std::vector<FinishedStep>& steps;
  const std::vector<std::uint16_t>& shard_of;  ///< of each item of the pool; kRemoved: none
  const std::filesystem::path& out;
};
inline constexpr std::uint16_t kRemoved = UINT16_MAX;

/// removed.jsonl
Status WriteRemoved(const CurationOutput& output);

/// The shards, in one pass over the pool. `texts` holds the items whose text is wanted; each gets
/// the start of its prompt.
Status WriteShards(const CurationOutput& output, std::map<std::uint32_t, std::string>& texts);

/// manifest.json, last of all.
Status WriteManifest(const CurationOutput& output);

/// Where a removal's match or an item stands: "FILE:LINE".
std::string PlaceOf(const CurationOutput& output, std::uint32_t item);
std::string MatchedPlace(const CurationOutput& output, const Removal& removal);

}  // namespace arena
