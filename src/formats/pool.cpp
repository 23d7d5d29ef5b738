#include "formats/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "formats/internal/pool_rows.h"
#include "formats/internal/row_log.h"
#include "formats/line_reader.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

enum class Kind { kJson, kCsv, kText };

std::optional<Kind> KindOf(fs::path name) {
  if (name.extension() == ".gz" || name.extension() == ".zst") name.replace_extension();
  const std::string extension = name.extension().string();
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".json") return Kind::kJson;
  if (extension == ".csv" || extension == ".tsv") return Kind::kCsv;
  if (extension == ".txt") return Kind::kText;
  return std::nullopt;
}

Result<std::vector<fs::path>> FilesBelow(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && KindOf(at->path())) files.push_back(at->path());
  }
  if (error) return IoError(fmt::format("{}: {}", directory.string(), error.message()));
  if (files.empty()) {
    return InvalidInput(
        fmt::format("{}: no .jsonl, .ndjson, .json, .csv, .tsv or .txt file is in this directory",
                    directory.string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Hands items on, with the file's number.
class Deliverer {
 public:
  Deliverer(std::uint32_t file, RowLog& log, PoolSink sink) : file_(file), log_(log), sink_(sink) {}

  Status operator()(Result<PoolItem> read) {
    ARENA_ASSIGN_OR_RETURN(PoolItem item, std::move(read));
    item.file = file_;
    return log_.Delivered(sink_(item));
  }

 private:
  std::uint32_t file_;
  RowLog& log_;
  PoolSink sink_;
};

Status ReadTable(const InputSource& source, const std::string& score_column, RowLog& log,
                 Deliverer deliver) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(source));
  const PoolColumns columns = FindPoolColumns(csv, score_column);
  if (!columns.prompt) {
    return InvalidInput(
        fmt::format("{}: no column is called prompt, instruction, question or text", source.name));
  }
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, log.Next(csv));
    if (!more) return {};
    bool is_utf8 = true;
    for (std::size_t c = 0; c < csv.header().size(); ++c) {
      is_utf8 = is_utf8 && simdjson::validate_utf8(csv.field(c).data(), csv.field(c).size());
    }
    Status status = is_utf8 ? deliver(PoolItemOf(csv, columns))
                            : Status(csv.Fail("the row is not valid UTF-8"));
    if (!status.ok()) ARENA_RETURN_IF_ERROR(log.BadRow(std::move(status).error()));
  }
}

Result<PoolItem> TextItem(const LineReader& reader) {
  const std::string_view line = reader.line();
  if (!simdjson::validate_utf8(line.data(), line.size())) {
    return InvalidLine(reader.name(), reader.number(), "the line is not valid UTF-8");
  }
  PoolItem item;
  item.line = reader.number();
  item.conversation.push_back({Role::kUser, std::string(line)});
  return item;
}

Status ReadText(const InputSource& source, RowLog& log, Deliverer deliver) {
  ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(source));
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, log.Next(reader));
    if (!more) return {};
    if (reader.line().find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Status status = deliver(TextItem(reader));
    if (!status.ok()) ARENA_RETURN_IF_ERROR(log.BadRow(std::move(status).error()));
  }
}

}  // namespace

Result<std::vector<fs::path>> ListPoolFiles(std::span<const fs::path> inputs) {
  std::vector<fs::path> files;
  for (const fs::path& input : inputs) {
    std::error_code error;
    const fs::file_status status = fs::status(input, error);
    if (!fs::exists(status)) return NotFound(fmt::format("there is no {}", input.string()));
    if (fs::is_directory(status)) {
      ARENA_ASSIGN_OR_RETURN(const auto below, FilesBelow(input));
      files.insert(files.end(), below.begin(), below.end());
    } else if (KindOf(input)) {
      files.push_back(input);
    } else {
      return InvalidInput(fmt::format(
          "{}: the name says no kind of file that is known; known are .jsonl, .ndjson, .json, "
          ".csv, .tsv and .txt, also with .gz or .zst",
          input.string()));
    }
  }
  return files;
}

Result<ReadReport> ReadPoolSource(const InputSource& source, std::uint32_t file,
                                  const PoolReadOptions& options, PoolSink sink) {
  RowLog log(options.rows);
  Deliverer deliver(file, log, sink);
  switch (KindOf(source.name).value_or(Kind::kJson)) {
    case Kind::kJson:
      ARENA_RETURN_IF_ERROR(ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
        return deliver(PoolItemOf(row, options.score_column));
      }));
      break;
    case Kind::kCsv:
      ARENA_RETURN_IF_ERROR(ReadTable(source, options.score_column, log, deliver));
      break;
    case Kind::kText:
      ARENA_RETURN_IF_ERROR(ReadText(source, log, deliver));
      break;
  }
  return log.report();
}

Result<ReadReport> ReadPool(std::span<const fs::path> files, const PoolReadOptions& options,
                            PoolSink sink) {
  RowLog all(options.rows);
  for (std::size_t f = 0; f < files.size(); ++f) {
    ARENA_ASSIGN_OR_RETURN(
        const ReadReport report,
        ReadPoolSource(InputSource::File(files[f]), static_cast<std::uint32_t>(f), options, sink));
    all.Append(report);
  }
  return all.report();
}

}  // namespace arena
