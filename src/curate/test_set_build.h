// A test set from a pool: varied instructions, hard ones, and both.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/embedder.h"
#include "core/instruction_rater.h"
#include "core/pool_item.h"
#include "curate/input_file.h"

namespace arena {

/// What becomes the category of a row of a test set.
enum class TestCategory {
  kOwn,      ///< the item's own, none where it has none
  kCluster,  ///< the label of its cluster
};
std::string_view TestCategoryName(TestCategory category);
std::optional<TestCategory> ParseTestCategory(std::string_view name);

struct TestSetSettings {
  int clusters = 500;
  int diverse_per_cluster = 2;
  int candidates_per_cluster = 20;  ///< that are rated for Hard
  std::int64_t hard = 1000;         ///< the best rated of all candidates
  TestCategory category = TestCategory::kOwn;
  std::string embedding;  ///< what can change the vectors of the embedder; empty: the built-in one
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< 0: all processors
};

struct TestSetInputs {
  PoolSource pool;
  std::vector<InputFile> files;        ///< PoolItem::file counts them
  InstructionRater* rater = nullptr;   ///< must be there
  const Embedder* embedder = nullptr;  ///< null: the embedded LexicalEmbedder
  std::string version;                 ///< of the program
};

/// One item that was chosen.
struct TestSetItem {
  bool is_hard = false;  ///< else diverse
  std::uint32_t cluster = 0;
  std::string place;  ///< "FILE:LINE"
  std::string category;
  std::optional<double> rating;  ///< hard ones only
  float x = 0, y = 0;            ///< on the map
  std::string text;              ///< the start of the prompt
};

struct TestSetCluster {
  std::uint32_t number = 0;  ///< as in the rows
  std::string label;         ///< its most telling words, such as "poem, rhyme, verse"
  std::int64_t items = 0;
  std::int64_t diverse = 0;
  std::int64_t hard = 0;
  std::optional<double> mean_rating;  ///< of its candidates
  float x = 0, y = 0;                 ///< of its centre, on the map
};

struct TestSetReport {
  std::vector<std::string> files;
  std::int64_t items = 0;     ///< of the pool
  std::int64_t distinct = 0;  ///< without those that ask the same as another
  std::int64_t diverse = 0;
  std::int64_t hard = 0;
  std::int64_t candidates = 0;
  std::int64_t unrated = 0;  ///< candidates without a rating
  std::string rater;
  std::vector<double> ratings;               ///< of all candidates that have one, ascending
  std::vector<TestSetCluster> clusters;      ///< the largest first
  std::vector<TestSetItem> chosen;           ///< diverse, then hard, as in the files
  std::vector<std::pair<float, float>> map;  ///< of some items of the pool
  std::vector<std::string> notes;            ///< what is not as it was asked for, for people
};

/// What is being done, for progress: "embedding", "clustering", ...
using TestSetProgress = std::function<void(std::string_view)>;

/// Chooses a test set and writes into `out`, which is made if it is not there:
///   diverse.jsonl  `diverse_per_cluster` of each cluster, drawn by the seed
///   hard.jsonl     the `hard` best rated of `candidates_per_cluster` other items of each cluster
///   mix.jsonl      both; no prompt stands in it twice
///   manifest.json  settings, inputs and counts
/// Rows are OpenAI messages as in the shards of a curation, with "set", "cluster", "label" and, if
/// hard, "rating". Of items with the same prompt one takes part. Where clusters are too short,
/// other clusters give more; where the pool is too small, there is less; `notes` say so. The order
/// of the pool does not matter, and the same inputs and settings give the same bytes
/// (ClusterVectors has the exception). Memory: about 1.1 KB for each item, and the texts of 100
/// items of each cluster. Errors: an empty pool; those of the pool, the embedder and the rater;
/// files that cannot be written.
Result<TestSetReport> BuildTestSet(const TestSetInputs& inputs, const TestSetSettings& settings,
                                   const std::filesystem::path& out,
                                   const TestSetProgress& progress);

/// The settings that decide the result, as JSON.
Json TestSetSettingsJson(const TestSetSettings& settings);

}  // namespace arena
