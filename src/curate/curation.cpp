#include "curate/curation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/file.h"
#include "curate/internal/curation_output.h"
#include "curate/internal/embed_all.h"
#include "curate/internal/step_files.h"
#include "curate/test_items.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kExamples = 6;
constexpr std::size_t kSimilarityBins = 10;

// Runs the steps one after the other and keeps account of what is left.
class Curation {
 public:
  Curation(const CurationInputs& inputs, const CurationSettings& settings, const fs::path& out)
      : inputs_(inputs), settings_(settings), out_(out) {
    for (const BenchmarkItem& item : inputs.benchmark) benchmark_.push_back(item.text);
  }

  Result<CurationReport> Run(const StepCallback& on_step) {
    ARENA_RETURN_IF_ERROR(MakeFolder(out_ / "steps"));
    ARENA_ASSIGN_OR_RETURN(index_, IndexPool(inputs_.pool));
    if (index_.items.empty()) return InvalidInput("the pool has no items");
    is_kept_.assign(index_.items.size(), true);
    Key fingerprint = PoolFingerprint();
    for (const CurationStep step : settings_.steps) {
      on_step(step);
      fingerprint = StepFingerprint(fingerprint, step);
      ARENA_RETURN_IF_ERROR(RunOrTakeOver(step, fingerprint));
    }
    return Write();
  }

 private:
  Key PoolFingerprint() const {
    KeyBuilder key("curation");
    key.Add(inputs_.version).Add(static_cast<std::int64_t>(index_.items.size()));
    for (const InputFile& file : inputs_.files) key.Add(file.hash);
    return key.Build();
  }

  // What of the benchmarks and the test set decides the step.
  std::span<const std::string> SeenBy(CurationStep step) const {
    const std::span<const std::string> all(benchmark_);
    if (step == CurationStep::kTestSet) return all.first(inputs_.test_items);
    return all.first(
        step == CurationStep::kNeighbours || step == CurationStep::kOverlap ? all.size() : 0);
  }

  Key StepFingerprint(const Key& before, CurationStep step) const {
    KeyBuilder key("step");
    key.Add(before).Add(CurationStepName(step)).Add(DumpJson(StepSettingsJson(step, settings_)));
    for (const std::string& text : SeenBy(step)) key.Add(text);
    return key.Build();
  }

  Status RunOrTakeOver(CurationStep step, const Key& fingerprint) {
    const fs::path file = out_ / "steps" / fmt::format("{}.jsonl", CurationStepName(step));
    FinishedStep finished{step, fingerprint, false, {}};
    if (auto done = ReadStepFile(file, fingerprint, index_.items.size())) {
      finished.was_done = true;
      finished.result = *std::move(done);
    } else {
      ARENA_ASSIGN_OR_RETURN(finished.result, RunStep(step));
      ARENA_RETURN_IF_ERROR(WriteStepFile(file, fingerprint, finished.result));
    }
    for (const Removal& removal : finished.result.removals) is_kept_[removal.item] = false;
    steps_.push_back(std::move(finished));
    return {};
  }

  Result<StepResult> RunStep(CurationStep step) {
    const KeptPool pool(inputs_.pool, is_kept_);
    if (step == CurationStep::kNear) {
      const auto order = KeepOrder(index_, is_kept_, settings_.keep);
      NearStepOptions options = settings_.near;
      options.spill_folder = out_ / "steps";
      ARENA_ASSIGN_OR_RETURN(NearStepResult near, RemoveNearDuplicates(pool, order, options));
      return StepResult{std::move(near.removals), std::move(near.curve)};
    }
    ARENA_ASSIGN_OR_RETURN(std::vector<Removal> removals, Removals(step, pool));
    return StepResult{std::move(removals), {}};
  }

  Result<std::vector<Removal>> Removals(CurationStep step, const KeptPool& pool) {
    switch (step) {
      case CurationStep::kUnsafe:
        return RemoveUnsafe(pool, settings_.unsafe);
      case CurationStep::kLength:
        return RemoveByLength(pool, settings_.length);
      case CurationStep::kExact:
        return RemoveExactDuplicates(pool, KeepOrder(index_, is_kept_, settings_.keep));
      case CurationStep::kPrefix:
        return RemoveSharedPrefixes(pool, KeepOrder(index_, is_kept_, settings_.keep),
                                    settings_.prefix);
      case CurationStep::kTestSet:
        return RemoveTestItems(pool, SeenBy(step),
                               {.shingles = settings_.near.shingles,
                                .threshold = settings_.test_similarity,
                                .threads = settings_.near.near.threads});
      case CurationStep::kNeighbours:
        return Neighbours(pool);
      case CurationStep::kOverlap:
        return RemoveOverlaps(pool, benchmark_, settings_.overlap);
      case CurationStep::kLanguage:
        return RemoveOtherLanguages(pool, settings_.language);
      case CurationStep::kNear:
        break;
    }
    return InternalError("a step of curation has no function");
  }

  Result<std::vector<Removal>> Neighbours(const KeptPool& pool) {
    if (benchmark_.empty()) return std::vector<Removal>();
    if (inputs_.embedder != nullptr) {
      return RemoveNeighbours(pool, benchmark_, *inputs_.embedder, settings_.neighbours);
    }
    ARENA_ASSIGN_OR_RETURN(
        const LexicalEmbedder embedder,
        CountedLexicalEmbedder(pool, settings_.split.seed, settings_.neighbours.threads));
    return RemoveNeighbours(pool, benchmark_, embedder, settings_.neighbours);
  }

  // Shards of the items that are left.
  std::vector<std::uint16_t> Split() const {
    std::vector<std::uint32_t> left, strata;
    for (std::uint32_t i = 0; i < is_kept_.size(); ++i) {
      if (!is_kept_[i]) continue;
      left.push_back(i);
      if (settings_.stratify == Stratify::kCategory) strata.push_back(index_.items[i].category);
      if (settings_.stratify == Stratify::kSource) strata.push_back(index_.items[i].file);
    }
    const auto shards = SplitItems(left.size(), strata, settings_.split);
    std::vector<std::uint16_t> shard_of(is_kept_.size(), kRemoved);
    for (std::size_t k = 0; k < left.size(); ++k) shard_of[left[k]] = shards[k];
    return shard_of;
  }

  Result<CurationReport> Write() {
    const std::vector<std::uint16_t> shard_of = Split();
    const CurationOutput output{inputs_, settings_, index_, steps_, shard_of, out_};
    std::map<std::uint32_t, std::string> texts;
    std::vector<std::vector<const Removal*>> examples;
    for (const FinishedStep& step : steps_) {
      examples.push_back(ChooseExamples(step.result.removals));
      for (const Removal* removal : examples.back()) {
        texts[removal->item];
        if (removal->matched != Removal::kNothing && !removal->is_benchmark) {
          texts[removal->matched];
        }
      }
    }
    ARENA_RETURN_IF_ERROR(WriteShards(output, texts));
    ARENA_RETURN_IF_ERROR(WriteRemoved(output));
    ARENA_RETURN_IF_ERROR(WriteManifest(output));
    CurationReport report = Counts(shard_of);
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      for (const Removal* removal : examples[s]) {
        report.steps[s].examples.push_back(Example(output, *removal, texts));
      }
    }
    return report;
  }

  // Some removals from the least to the most similar.
  static std::vector<const Removal*> ChooseExamples(const std::vector<Removal>& removals) {
    std::vector<const Removal*> sorted;
    for (const Removal& removal : removals) sorted.push_back(&removal);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Removal* a, const Removal* b) {
      return a->similarity < b->similarity;
    });
    std::vector<const Removal*> chosen;
    const std::size_t count = std::min(kExamples, sorted.size());
    for (std::size_t k = 0; k < count; ++k) chosen.push_back(sorted[k * sorted.size() / count]);
    return chosen;
  }

  RemovalExample Example(const CurationOutput& output, const Removal& removal,
                         const std::map<std::uint32_t, std::string>& texts) const {
    RemovalExample example{PlaceOf(output, removal.item),
                           texts.at(removal.item),
                           removal.reason,
                           MatchedPlace(output, removal),
                           "",
                           removal.similarity};
    if (removal.matched != Removal::kNothing) {
      example.matched_text =
          removal.is_benchmark ? benchmark_[removal.matched] : texts.at(removal.matched);
    }
    return example;
  }

  CurationReport Counts(const std::vector<std::uint16_t>& shard_of) const {
    CurationReport report;
    for (const InputFile& file : inputs_.files) report.files.push_back(file.name);
    report.items_by_file.resize(inputs_.files.size());
    for (const ItemInfo& item : index_.items) ++report.items_by_file[item.file];
    report.items = static_cast<std::int64_t>(index_.items.size());
    report.test_items = static_cast<std::int64_t>(inputs_.test_items);
    report.benchmark_items = static_cast<std::int64_t>(benchmark_.size() - inputs_.test_items);
    report.near_threshold = settings_.near.near.threshold;
    report.shards.resize(static_cast<std::size_t>(settings_.split.shards) + 1);
    for (const std::uint16_t shard : shard_of) {
      if (shard == kRemoved) continue;
      ++report.kept;
      ++report.shards[shard];
    }
    for (const FinishedStep& step : steps_) {
      report.steps.push_back(CountsOf(step));
      if (step.step == CurationStep::kNear) report.curve = step.result.curve;
    }
    return report;
  }

  StepReport CountsOf(const FinishedStep& step) const {
    StepReport counts;
    counts.step = step.step;
    counts.was_done = step.was_done;
    counts.removed = static_cast<std::int64_t>(step.result.removals.size());
    counts.removed_by_file.resize(inputs_.files.size());
    for (const Removal& removal : step.result.removals) {
      ++counts.removed_by_file[index_.items[removal.item].file];
      if (removal.matched == Removal::kNothing) continue;
      counts.similarities.resize(kSimilarityBins);
      const double bin = std::clamp(removal.similarity, 0.0, 1.0) * kSimilarityBins;
      ++counts.similarities[std::min(static_cast<std::size_t>(bin), kSimilarityBins - 1)];
    }
    return counts;
  }

  const CurationInputs& inputs_;
  const CurationSettings& settings_;
  const fs::path& out_;
  std::vector<std::string> benchmark_;
  PoolIndex index_;
  std::vector<bool> is_kept_;
  std::vector<FinishedStep> steps_;
};

}  // namespace

Result<CurationReport> RunCuration(const CurationInputs& inputs, const CurationSettings& settings,
                                   const fs::path& out, const StepCallback& on_step) {
  return Curation(inputs, settings, out).Run(on_step);
}

}  // namespace arena
