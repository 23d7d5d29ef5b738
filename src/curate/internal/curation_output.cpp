#include "curate/internal/curation_output.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "curate/internal/pool_row.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kExcerptBytes = 600;

// A file that takes its name when it is complete.
class PartFile {
 public:
  explicit PartFile(fs::path path)
      : path_(std::move(path)), part_(path_.string() + ".part"), stream_(part_, std::ios::binary) {}

  void Write(const std::string& line) { stream_ << line << '\n'; }
  Status Finish() {
    stream_.close();
    std::error_code error;
    if (stream_.good()) fs::rename(part_, path_, error);
    if (!stream_.good() || error) {
      return IoError(fmt::format("cannot write {}: is the disk full?", path_.string()));
    }
    return {};
  }

 private:
  fs::path path_;
  fs::path part_;
  std::ofstream stream_;
};

std::string IdOf(const CurationOutput& output, std::uint32_t item) {
  const std::string& id = output.index.items[item].id;
  return id.empty() ? PlaceOf(output, item) : id;
}

Json MatchedId(const CurationOutput& output, const Removal& removal) {
  if (removal.matched == Removal::kNothing) return nullptr;
  if (!removal.is_benchmark) return IdOf(output, removal.matched);
  const BenchmarkItem& item = output.inputs.benchmark[removal.matched];
  return item.id.empty() ? item.place : item.id;
}

std::vector<std::int64_t> ShardSizes(const CurationOutput& output) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(output.settings.split.shards) + 1);
  for (const std::uint16_t shard : output.shard_of) {
    if (shard != kRemoved) ++sizes[shard];
  }
  return sizes;
}

}  // namespace

std::string PlaceOf(const CurationOutput& output, std::uint32_t item) {
  const ItemInfo& info = output.index.items[item];
  return fmt::format("{}:{}", output.inputs.files[info.file].name, info.line);
}

std::string MatchedPlace(const CurationOutput& output, const Removal& removal) {
  if (removal.matched == Removal::kNothing) return "";
  if (removal.is_benchmark) return output.inputs.benchmark[removal.matched].place;
  return PlaceOf(output, removal.matched);
}

Status WriteRemoved(const CurationOutput& output) {
  PartFile file(output.out / "removed.jsonl");
  for (const FinishedStep& step : output.steps) {
    for (const Removal& removal : step.result.removals) {
      const ItemInfo& info = output.index.items[removal.item];
      Json row = {{"step", CurationStepName(step.step)},
                  {"reason", removal.reason},
                  {"source", output.inputs.files[info.file].name},
                  {"line", info.line},
                  {"id", IdOf(output, removal.item)},
                  {"matched_id", MatchedId(output, removal)},
                  {"similarity", nullptr}};
      if (removal.matched != Removal::kNothing) row["similarity"] = removal.similarity;
      file.Write(DumpJson(row));
    }
  }
  return file.Finish();
}

Status WriteShards(const CurationOutput& output, std::map<std::uint32_t, std::string>& texts) {
  const fs::path folder = output.out / "shards";
  std::error_code error;
  fs::remove_all(folder, error);  // an earlier run may have made more shards
  ARENA_RETURN_IF_ERROR(MakeFolder(folder));
  std::vector<PartFile> shards;
  for (int s = 0; s <= output.settings.split.shards; ++s) {
    shards.emplace_back(folder / fmt::format("D{}.jsonl", s));
  }
  std::uint32_t next = 0;
  ARENA_RETURN_IF_ERROR(output.inputs.pool([&](const PoolItem& item) -> Status {
    const std::uint32_t number = next++;
    if (number >= output.shard_of.size()) return {};  // reported below
    if (const auto wanted = texts.find(number); wanted != texts.end()) {
      wanted->second = PromptText(item.conversation).substr(0, kExcerptBytes);
    }
    const std::uint16_t shard = output.shard_of[number];
    if (shard != kRemoved)
      shards[shard].Write(DumpJson(PoolRow(item, output.inputs.files[item.file].name)));
    return {};
  }));
  if (next != output.shard_of.size()) {
    return InvalidInput("the pool has changed while it was curated; run again");
  }
  for (PartFile& shard : shards) ARENA_RETURN_IF_ERROR(shard.Finish());
  return {};
}

Status WriteManifest(const CurationOutput& output) {
  Json steps = Json::array();
  auto kept = static_cast<std::int64_t>(output.index.items.size());
  for (const FinishedStep& step : output.steps) {
    const auto removed = static_cast<std::int64_t>(step.result.removals.size());
    kept -= removed;
    steps.push_back({{"step", CurationStepName(step.step)},
                     {"removed", removed},
                     {"kept", kept},
                     {"fingerprint", step.fingerprint.Hex()}});
  }
  Json shards = Json::array();
  const std::vector<std::int64_t> sizes = ShardSizes(output);
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    shards.push_back({{"file", fmt::format("shards/D{}.jsonl", s)}, {"items", sizes[s]}});
  }
  const Json manifest = {
      {"version", output.inputs.version},
      {"settings", SettingsJson(output.settings)},
      {"inputs", FilesJson(output.inputs.files)},
      {"benchmarks", FilesJson(output.inputs.benchmark_files)},
      {"test_set", FilesJson(output.inputs.test_set_files)},
      {"items", output.index.items.size()},
      {"benchmark_items", output.inputs.benchmark.size() - output.inputs.test_items},
      {"test_items", output.inputs.test_items},
      {"steps", std::move(steps)},
      {"kept", kept},
      {"shards", std::move(shards)}};
  return WriteFileAtomic(output.out / "manifest.json", DumpJson(manifest, 2) + "\n");
}

}  // namespace arena
