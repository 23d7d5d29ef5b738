// A whole curation: a raw pool goes in, shards and an account of what was removed come out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "core/embedder.h"
#include "core/pool_item.h"
#include "curate/duplicates.h"
#include "curate/filters.h"
#include "curate/kept_pool.h"
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
  kNeighbours,  ///< RemoveNeighbours
  kOverlap,     ///< RemoveOverlaps
  kLanguage,    ///< RemoveOtherLanguages
};
inline constexpr CurationStep kCurationSteps[] = {CurationStep::kUnsafe,  CurationStep::kLength,
                                                  CurationStep::kExact,   CurationStep::kPrefix,
                                                  CurationStep::kNear,    CurationStep::kNeighbours,
                                                  CurationStep::kOverlap, CurationStep::kLanguage};
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
  Key patterns_hash;  ///< of the file behind unsafe.patterns
  LengthOptions length;
  PrefixOptions prefix;
  NearStepOptions near;
  NeighbourOptions neighbours;
  OverlapOptions overlap;
  LanguageOptions language;
  SplitOptions split;
  Stratify stratify = Stratify::kNone;
};

/// The settings that decide the result, as JSON: what the manifest keeps.
Json SettingsJson(const CurationSettings& settings);

/// A file that was read, as the manifest names it.
struct InputFile {
  std::string name;
  Key hash;  ///< of its bytes
};

/// One item of a benchmark, to be kept out of the pool.
struct BenchmarkItem {
  std::string id;
  std::string place;  ///< "FILE:LINE"
  std::string text;   ///< PromptText
};

struct CurationInputs {
  PoolSource pool;
  std::vector<InputFile> files;  ///< PoolItem::file counts them
  std::vector<BenchmarkItem> benchmark;
  std::vector<InputFile> benchmark_files;
  /// For the step kNeighbours; null: the embedded LexicalEmbedder, counted on the kept pool.
  const Embedder* embedder = nullptr;
  std::string version;  ///< of the program
};

/// An item that was removed, beside what it resembles, for people.
struct RemovalExample {
  std::string place, text, reason;
  std::string matched_place, matched_text;  ///< empty where nothing is matched
  double similarity = 0;
};

struct StepReport {
  CurationStep step{};
  bool was_done = false;  ///< taken over from an earlier run
  std::int64_t removed = 0;
  std::vector<std::int64_t> removed_by_file;
  /// Of removals with a similarity: how many lie in [k / 10, (k + 1) / 10), those of 1 in the last.
  std::vector<std::int64_t> similarities;
  std::vector<RemovalExample> examples;
};

struct CurationReport {
  std::vector<std::string> files;
  std::vector<std::int64_t> items_by_file;
  std::int64_t items = 0;
  std::int64_t kept = 0;
  std::int64_t benchmark_items = 0;
  std::vector<StepReport> steps;
  std::vector<CurvePoint> curve;  ///< of the step kNear
  double near_threshold = 0;
  std::vector<std::int64_t> shards;  ///< sizes, D0 first
};

/// Called when a step begins.
using StepCallback = std::function<void(CurationStep)>;

/// Runs the steps and writes into `out`, which is made if it is not there:
///   shards/D0.jsonl ...  OpenAI messages with id, category and provenance (file, line, hash), in
///                        the pool's order
///   removed.jsonl        one row for each removed item
///   manifest.json        settings, inputs and counts; the same inputs and settings give the same
///                        bytes
///   steps/               what each step removed. A step whose inputs, settings and earlier steps
///                        are as they were is not run again.
/// Every item is either in one shard or in removed.jsonl. Memory: about 100 bytes for each item and
/// what the steps say.
Result<CurationReport> RunCuration(const CurationInputs& inputs, const CurationSettings& settings,
                                   const std::filesystem::path& out, const StepCallback& on_step);

}  // namespace arena
