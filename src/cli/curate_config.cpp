#include "cli/curate_config.h"

#include <array>

namespace arena {
namespace {

constexpr std::array<std::string_view, 2> kUnits = {"words", "characters"};
constexpr std::array<std::string_view, 3> kKeepPolicies = {"first", "longest", "best"};
constexpr std::array<std::string_view, 3> kStratify = {"none", "category", "source"};
constexpr std::array kCurveThresholds = {0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

void ReadInt(TableReader& table, std::string_view key, std::int64_t least, int& out) {
  std::int64_t value = out;
  table.ReadAtLeast(key, least, value);
  out = static_cast<int>(std::min<std::int64_t>(value, INT32_MAX));
}

void ReadWithin(TableReader& table, std::string_view key, double least, double most, double& out) {
  table.Read(key, out);
  if (out >= least && out <= most) return;
  table.NoteKey(key, fmt::format("must be from {} to {}", least, most));
}

void ReadSteps(TableReader& table, std::vector<CurationStep>& steps) {
  std::vector<std::string> names;
  table.Read("steps", names);
  if (names.empty()) return;
  std::vector<CurationStep> wanted;
  for (const std::string& name : names) {
    const auto step = ParseCurationStep(name);
    if (!step) {
      table.NoteKey("steps",
                    fmt::format("does not know the step \"{}\"; known: unsafe, length, "
                                "exact, prefix, near, test_set, neighbours, overlap, language",
                                name));
      return;
    }
    wanted.push_back(*step);
  }
  // They run in the documented order, whatever the order here.
  steps.clear();
  for (const CurationStep step : kCurationSteps) {
    if (std::find(wanted.begin(), wanted.end(), step) != wanted.end()) steps.push_back(step);
  }
}

void ReadFilters(TableReader& table, CurateConfig& curate) {
  CurationSettings& settings = curate.settings;
  table.Read("unsafe_flags", settings.unsafe.flags);
  table.ReadPath("unsafe_patterns", curate.unsafe_patterns);
  table.ReadName("length_unit", kUnits, ParseLengthUnit, settings.length.unit);
  table.ReadAtLeast("min_length", 0, settings.length.least);
  table.ReadAtLeast("max_length", 0, settings.length.most);
  table.Read("languages", settings.language.keep);
  ReadWithin(table, "language_confidence", 0, 1, settings.language.confidence);
  table.Read("keep_unknown_language", settings.language.keep_unknown);
  if (const Status known = CheckLanguages(settings.language); !known.ok()) {
    table.NoteKey("languages", known.error().message);
  }
}

void ReadDuplicates(TableReader& table, CurationSettings& settings) {
  table.ReadName("keep", kKeepPolicies, ParseKeepPolicy, settings.keep);
  table.ReadName("prefix_unit", kUnits, ParseShingleUnit, settings.prefix.unit);
  ReadInt(table, "prefix_size", 1, settings.prefix.size);
  NearDuplicateOptions& near = settings.near.near;
  ReadWithin(table, "near_threshold", 0.05, 0.99, near.threshold);
  table.ReadName("near_unit", kUnits, ParseShingleUnit, settings.near.shingles.unit);
  ReadInt(table, "near_size", 1, settings.near.shingles.size);
  ReadInt(table, "near_permutations", 16, near.permutations);
  if (near.permutations % 16 != 0 || near.permutations > 1024) {
    table.NoteKey("near_permutations", "must be a multiple of 16, at most 1024");
  }
  ReadWithin(table, "near_false_positive_weight", 0.001, 0.999, near.false_positive_weight);
  bool curve = true;
  table.Read("near_curve", curve);
  if (!curve) settings.near.curve_thresholds.clear();
  table.ReadAtLeast("memory_mb", 1, settings.near.memory_mb);
}

void ReadLeakage(TableReader& table, CurationSettings& settings) {
  ReadWithin(table, "test_similarity", 0.05, 1, settings.test_similarity);
  ReadInt(table, "neighbours", 1, settings.neighbours.neighbours);
  ReadWithin(table, "neighbour_similarity", -1, 1, settings.neighbours.least_similarity);
  ReadInt(table, "overlap_size", 1, settings.overlap.size);
  ReadInt(table, "overlap_shortest", 1, settings.overlap.shortest);
}

void ReadSplit(TableReader& table, CurationSettings& settings) {
  ReadInt(table, "shards", 0, settings.split.shards);
  if (settings.split.shards > 1000) table.NoteKey("shards", "must be at most 1000");
  table.ReadAtLeast("d0_size", -1, settings.split.d0_size);
  table.ReadName("stratify", kStratify, ParseStratify, settings.stratify);
}

}  // namespace

void SetCurateDefaults(CurateConfig& curate) {
  curate.settings.near.curve_thresholds.assign(kCurveThresholds.begin(), kCurveThresholds.end());
}

void ReadCurateTable(TableReader& table, const EndpointConfigs& endpoints, CurateConfig& curate) {
  CurationSettings& settings = curate.settings;
  table.ReadPaths("inputs", curate.inputs);
  table.ReadPaths("benchmarks", curate.benchmarks);
  table.ReadPaths("test_sets", curate.test_sets);
  table.Read("skip_bad_rows", curate.read.rows.skip_bad_rows);
  table.Read("score_column", curate.read.score_column);
  ReadSteps(table, settings.steps);
  ReadFilters(table, curate);
  ReadDuplicates(table, settings);
  ReadLeakage(table, settings);
  ReadSplit(table, settings);
  curate.moderation = ReadTextEndpoint(table, "moderation", "curate.moderation", endpoints);
  curate.embedding = ReadTextEndpoint(table, "embedding", "curate.embedding", endpoints);
  table.ReadPath("embedding_checkpoint", curate.embedding_checkpoint);
  const bool has_checkpoint = !curate.embedding_checkpoint.empty();
  if (curate.embedding && has_checkpoint) {
    table.NoteKey("embedding_checkpoint", "has no place beside [curate.embedding]");
  }
  // The floor is of the built-in embedding; for another there is none, as in the paper.
  if ((curate.embedding || has_checkpoint) && !table.Has("neighbour_similarity")) {
    settings.neighbours.least_similarity = -1;
  }
  std::int64_t seed = 1, threads = 0;
  table.ReadAtLeast("seed", 0, seed);
  table.ReadAtLeast("threads", 0, threads);
  settings.near.near.seed = settings.split.seed = static_cast<std::uint64_t>(seed);
  settings.near.near.threads = settings.neighbours.threads = settings.overlap.threads =
      settings.language.threads = static_cast<unsigned>(threads);
}

}  // namespace arena
