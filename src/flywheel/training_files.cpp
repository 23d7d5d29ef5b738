#include "flywheel/internal/training_files.h"

#include <utility>

#include "base/file.h"

namespace arena::flywheel {

std::filesystem::path BesideData(const std::filesystem::path& data, std::string_view suffix) {
  return data.parent_path() / (data.stem().string() + std::string(suffix));
}

Status TrainingFiles::LinesFile::Add(std::string_view line) {
  ++rows;
  ARENA_RETURN_IF_ERROR(file.Write(line));
  return file.Write("\n");
}

TrainingFiles::TrainingFiles(LinesFile data, LinesFile provenance, LinesFile dropped)
    : data_(std::move(data)), provenance_(std::move(provenance)), dropped_(std::move(dropped)) {}

Result<TrainingFiles::LinesFile> TrainingFiles::Open(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  return LinesFile{path, std::move(file)};
}

Result<TrainingFiles> TrainingFiles::Create(const std::filesystem::path& data) {
  ARENA_ASSIGN_OR_RETURN(LinesFile rows, Open(data));
  ARENA_ASSIGN_OR_RETURN(LinesFile provenance, Open(BesideData(data, kProvenanceSuffix)));
  ARENA_ASSIGN_OR_RETURN(LinesFile dropped, Open(BesideData(data, kDroppedSuffix)));
  return TrainingFiles(std::move(rows), std::move(provenance), std::move(dropped));
}

Status TrainingFiles::AddRow(std::string_view row, std::string_view provenance) {
  ARENA_RETURN_IF_ERROR(data_.Add(row));
  return provenance_.Add(provenance);
}

Status TrainingFiles::AddDropped(std::string_view line) { return dropped_.Add(line); }

Result<std::vector<CardOutput>> TrainingFiles::Commit() {
  std::vector<CardOutput> outputs;
  for (LinesFile* lines : {&data_, &provenance_, &dropped_}) {
    ARENA_RETURN_IF_ERROR(lines->file.Commit());
    ARENA_ASSIGN_OR_RETURN(CardOutput output, DescribeOutput(lines->path, lines->rows));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

Result<CardOutput> DescribeOutput(const std::filesystem::path& path, std::int64_t rows) {
  ARENA_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  CardOutput output;
  output.name = path.filename().string();
  output.rows = rows;
  output.bytes = static_cast<std::int64_t>(file.bytes().size());
  output.hash = HashBytes(file.bytes()).Hex();
  return output;
}

}  // namespace arena::flywheel

namespace arena {

Result<CardInput> DescribeInput(const std::string& use, const std::filesystem::path& file,
                                std::int64_t rows) {
  ARENA_ASSIGN_OR_RETURN(const Key hash, HashFile(file));
  return CardInput{use, file.filename().string(), hash.Hex(), rows};
}

}  // namespace arena
