// A whole curation: a raw pool goes in, shards and an account of what was removed come out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/embedder.h"
#include "core/pool_item.h"
#include "curate/curation_settings.h"
#include "curate/input_file.h"

namespace arena {

/// The settings that decide the result, as JSON: what the manifest keeps.
Json SettingsJson(const CurationSettings& settings);

/// One item of a benchmark, to be kept out of the pool.
struct BenchmarkItem {
  std::string id;
  std::string place;  ///< "FILE:LINE"
  std::string text;   ///< PromptText
};

struct CurationInputs {
  PoolSource pool;
  std::vector<InputFile> files;  ///< PoolItem::file counts them
  /// A test set's items come first: kTestSet looks for them alone, the other steps for all.
  std::vector<BenchmarkItem> benchmark;
  std::size_t test_items = 0;  ///< so many of `benchmark` are the test set's
  std::vector<InputFile> benchmark_files;
  std::vector<InputFile> test_set_files;
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
  std::int64_t benchmark_items = 0;  ///< without those of the test set
  std::int64_t test_items = 0;
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
