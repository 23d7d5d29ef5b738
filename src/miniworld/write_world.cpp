#include "miniworld/write_world.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "miniworld/examples.h"
#include "miniworld/training_sets.h"
#include "miniworld/vocabulary.h"

namespace arena::mini {
namespace {

namespace fs = std::filesystem;

/// The rows of one JSONL file, counted by family.
class RowFile {
 public:
  explicit RowFile(std::string name) : name_(std::move(name)) {}

  std::size_t rows() const { return rows_; }

  void Add(Family family, const Json& row) {
    text_ += DumpJson(row);
    text_ += '\n';
    ++rows_;
    ++counts_[static_cast<std::size_t>(family)];
  }

  Result<WrittenFile> Write(const fs::path& directory) const {
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / name_, text_));
    WrittenFile file{name_, rows_, {}};
    for (const Family family : AllFamilies()) {
      const std::size_t count = counts_[static_cast<std::size_t>(family)];
      if (count > 0) file.rows_by_family.emplace_back(family, count);
    }
    return file;
  }

 private:
  std::string name_;
  std::string text_;
  std::size_t rows_ = 0;
  std::array<std::size_t, kFamilies> counts_{};
};

Result<WrittenFile> WriteInstructions(const WorldOptions& options, Split split, std::size_t count,
                                      const fs::path& directory) {
  ARENA_ASSIGN_OR_RETURN(const std::vector<Example> examples,
                         DistinctExamples(options.families, split, count, options.seed));
  RowFile file(fmt::format("{}.jsonl", SplitName(split)));
  for (const Example& example : examples) {
    file.Add(example.family, {{"id", fmt::format("{}-{}", SplitName(split), file.rows() + 1)},
                              {"category", FamilyName(example.family)},
                              {"tags", TagCount(example.family)},
                              {"prompt", example.prompt},
                              {"reference", ReferenceText(example)}});
  }
  return file.Write(directory);
}

Result<WrittenFile> WriteTrainingSet(const WorldOptions& options, const TrainingSet& set,
                                     const fs::path& directory) {
  RowFile file(fmt::format("data/{}.jsonl", set.name));
  const double count = std::ceil(options.scale * static_cast<double>(set.examples));
  const auto add_row = [&file](Family family, const Conversation& conversation) -> Status {
    file.Add(family, {{"messages", MessagesJson(conversation)}, {"category", FamilyName(family)}});
    return {};
  };
  ARENA_RETURN_IF_ERROR(
      WriteExamples(set, options.families, static_cast<std::size_t>(count), options.seed, add_row));
  return file.Write(directory);
}

Json Manifest(const WorldOptions& options, const std::vector<WrittenFile>& files) {
  Json families = Json::array();
  for (const Family family : options.families) families.push_back(FamilyName(family));
  Json written = Json::array();
  for (const WrittenFile& file : files) {
    Json counts = Json::object();
    for (const auto& [family, count] : file.rows_by_family) {
      counts[std::string(FamilyName(family))] = count;
    }
    written.push_back({{"name", file.name}, {"rows", file.rows}, {"families", std::move(counts)}});
  }
  Json sets = Json::array();
  for (const TrainingSet& set : TrainingSets()) {
    sets.push_back({{"name", set.name},
                    {"parent", set.parent.empty() ? Json(nullptr) : Json(set.parent)},
                    {"file", fmt::format("data/{}.jsonl", set.name)}});
  }
  return {{"seed", options.seed},
          {"scale", options.scale},
          {"families", std::move(families)},
          {"files", std::move(written)},
          {"training_sets", std::move(sets)}};
}

Status CheckOptions(const WorldOptions& options, const fs::path& directory) {
  if (!(options.scale >= 0 && options.scale <= 1000)) {
    return InvalidInput(
        fmt::format("the scale is {}: give a number from 0 to 1000", options.scale));
  }
  for (const char* name :
       {"mini.json", "train.jsonl", "dev.jsonl", "test.jsonl", "data", "model"}) {
    if (fs::exists(directory / name)) {
      return InvalidInput(fmt::format("{} exists already; nothing was written. Name another folder",
                                      (directory / name).string()));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<WrittenFile>> WriteWorld(const WorldOptions& options,
                                            const fs::path& directory) {
  ARENA_RETURN_IF_ERROR(CheckOptions(options, directory));
  ARENA_RETURN_IF_ERROR(MakeFolder(directory / "data"));
  std::vector<WrittenFile> files;
  const std::array<std::pair<Split, std::size_t>, 3> splits = {
      {{Split::kTrain, options.train}, {Split::kDev, options.dev}, {Split::kTest, options.test}}};
  for (const auto& [split, count] : splits) {
    ARENA_ASSIGN_OR_RETURN(WrittenFile file, WriteInstructions(options, split, count, directory));
    files.push_back(std::move(file));
  }
  for (const TrainingSet& set : TrainingSets()) {
    ARENA_ASSIGN_OR_RETURN(WrittenFile file, WriteTrainingSet(options, set, directory));
    files.push_back(std::move(file));
  }
  ARENA_RETURN_IF_ERROR(WriteModel(directory / "model", options.seed));
  ARENA_RETURN_IF_ERROR(
      WriteFileAtomic(directory / "mini.json", DumpJson(Manifest(options, files), 2) + "\n"));
  return files;
}

}  // namespace arena::mini
