// The files of one selection while they are written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/output_file.h"
#include "base/result.h"
#include "flywheel/data_card.h"
#include "flywheel/selection.h"

namespace arena::flywheel {

/// The path of a file beside the data file: WithSuffix("d/x.jsonl", ".card.json") is
/// "d/x.card.json".
std::filesystem::path BesideData(const std::filesystem::path& data, std::string_view suffix);

inline constexpr std::string_view kDataSuffix = ".jsonl";
inline constexpr std::string_view kProvenanceSuffix = ".provenance.jsonl";
inline constexpr std::string_view kDroppedSuffix = ".dropped.jsonl";
inline constexpr std::string_view kCardSuffix = ".card.json";
inline constexpr std::string_view kCardTextSuffix = ".card.md";

/// Lines of the data file, of its provenance and of the dropped battles. Nothing appears before
/// Commit. Movable; not thread-safe.
class TrainingFiles {
 public:
  static Result<TrainingFiles> Create(const std::filesystem::path& data);

  /// One row and where it comes from, each without a line end.
  Status AddRow(std::string_view row, std::string_view provenance);
  Status AddDropped(std::string_view line);
  std::int64_t rows() const { return data_.rows; }

  /// Makes the three files appear and says what they are.
  Result<std::vector<CardOutput>> Commit();

 private:
  struct LinesFile {
    std::filesystem::path path;
    OutputFile file;
    std::int64_t rows = 0;
    Status Add(std::string_view line);
  };
  TrainingFiles(LinesFile data, LinesFile provenance, LinesFile dropped);
  static Result<LinesFile> Open(const std::filesystem::path& path);

  LinesFile data_;
  LinesFile provenance_;
  LinesFile dropped_;
};

/// The card's entry of a finished file. `rows` as the caller counts them.
Result<CardOutput> DescribeOutput(const std::filesystem::path& path, std::int64_t rows);

}  // namespace arena::flywheel
