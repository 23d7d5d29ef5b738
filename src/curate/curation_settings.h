// The settings of a curation.
#pragma once

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "curate/duplicates.h"
#include "curate/filters.h"
#include "curate/language.h"
#include "curate/leakage.h"
#include "curate/split.h"

namespace arena {

/// The steps, in the order in which they run.
enum class CurationStep {
  kUnsafe,      ///< RemoveUnsafe
  kLength,      ///< RemoveByLength
  kExact,       ///< RemoveExactDuplicates
  kPrefix,      ///< RemoveSharedPrefixes
  kNear,        ///< RemoveNearDuplicates
  kTestSet,     ///< RemoveTestItems
  kNeighbours,  ///< RemoveNeighbours
  kOverlap,     ///< RemoveOverlaps
  kLanguage,    ///< RemoveOtherLanguages
};
inline constexpr CurationStep kCurationSteps[] = {
    CurationStep::kUnsafe,     CurationStep::kLength,  CurationStep::kExact,
    CurationStep::kPrefix,     CurationStep::kNear,    CurationStep::kTestSet,
    CurationStep::kNeighbours, CurationStep::kOverlap, CurationStep::kLanguage};
std::string_view CurationStepName(CurationStep step);
std::optional<CurationStep> ParseCurationStep(std::string_view name);

/// What the shards are spread evenly by.
enum class Stratify { kNone, kCategory, kSource };
std::string_view StratifyName(Stratify stratify);
std::optional<Stratify> ParseStratify(std::string_view name);

struct CurationSettings {
  std::vector<CurationStep> steps{std::begin(kCurationSteps), std::end(kCurationSteps)};
  KeepPolicy keep = KeepPolicy::kFirst;
  UnsafeOptions unsafe;
  Key patterns_hash;       ///< of the file behind unsafe.patterns
  std::string moderation;  ///< what can change the verdicts of unsafe.moderator
  LengthOptions length;
  PrefixOptions prefix;
  NearStepOptions near;
  double test_similarity = 0.4;  ///< TestItemOptions::threshold, with the shingles of `near`
  NeighbourOptions neighbours;
  std::string embedding;  ///< what can change the vectors of the embedder; empty: the built-in one
  OverlapOptions overlap;
  LanguageOptions language;
  SplitOptions split;
  Stratify stratify = Stratify::kNone;
};

}  // namespace arena
