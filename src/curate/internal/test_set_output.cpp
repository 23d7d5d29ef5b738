#include "curate/internal/test_set_output.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/output_file.h"
#include "curate/internal/pool_row.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

Json TestRow(const TestSetInputs& inputs, const TestSetSettings& settings,
             const ChosenItem& chosen) {
  Json row = Json::object();
  row["set"] = chosen.is_hard ? "hard" : "diverse";
  row["cluster"] = chosen.cluster;
  row["label"] = chosen.label;
  if (chosen.rating) row["rating"] = *chosen.rating;
  row.update(PoolRow(*chosen.item, inputs.files[chosen.item->file].name));
  const std::string category = CategoryOf(chosen, settings.category);
  if (!category.empty()) row["category"] = category;
  return row;
}

}  // namespace

std::string CategoryOf(const ChosenItem& chosen, TestCategory category) {
  return category == TestCategory::kCluster ? chosen.label : chosen.item->category;
}

Status WriteTestSets(const TestSetInputs& inputs, const TestSetSettings& settings,
                     const std::vector<ChosenItem>& chosen, const fs::path& out) {
  ARENA_ASSIGN_OR_RETURN(OutputFile diverse, OutputFile::Create(out / "diverse.jsonl"));
  ARENA_ASSIGN_OR_RETURN(OutputFile hard, OutputFile::Create(out / "hard.jsonl"));
  ARENA_ASSIGN_OR_RETURN(OutputFile mix, OutputFile::Create(out / "mix.jsonl"));
  for (const ChosenItem& item : chosen) {
    const std::string line = DumpJson(TestRow(inputs, settings, item)) + "\n";
    ARENA_RETURN_IF_ERROR((item.is_hard ? hard : diverse).Write(line));
    ARENA_RETURN_IF_ERROR(mix.Write(line));
  }
  for (OutputFile* file : {&diverse, &hard, &mix}) ARENA_RETURN_IF_ERROR(file->Commit());
  return {};
}

Status WriteTestSetManifest(const TestSetInputs& inputs, const TestSetSettings& settings,
                            const TestSetReport& report, const fs::path& out) {
  Json clusters = Json::array();
  for (const TestSetCluster& cluster : report.clusters) {
    clusters.push_back({{"cluster", cluster.number},
                        {"label", cluster.label},
                        {"items", cluster.items},
                        {"diverse", cluster.diverse},
                        {"hard", cluster.hard}});
  }
  const Json manifest = {{"version", inputs.version},
                         {"settings", TestSetSettingsJson(settings)},
                         {"rater", report.rater},
                         {"embedding", inputs.embedder == nullptr ? "lexical" : "given"},
                         {"inputs", FilesJson(inputs.files)},
                         {"items", report.items},
                         {"distinct", report.distinct},
                         {"candidates", report.candidates},
                         {"unrated", report.unrated},
                         {"diverse", report.diverse},
                         {"hard", report.hard},
                         {"mix", report.diverse + report.hard},
                         {"notes", report.notes},
                         {"clusters", std::move(clusters)}};
  return WriteFileAtomic(out / "manifest.json", DumpJson(manifest, 2) + "\n");
}

}  // namespace arena
