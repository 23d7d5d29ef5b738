#include "train/metrics.h"

#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/json.h"

namespace arena::train {
namespace {

// The lines of `text` whose step is at most `steps_done`.
Result<std::string> KeptLines(std::string_view text, std::int64_t steps_done,
                              const std::string& file) {
  std::string kept;
  long long number = 1;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string_view::npos;
       begin = end + 1, ++number) {
    const std::string_view line = text.substr(begin, end - begin);
    const auto json = ParseJson(line);
    if (!json.ok() || !json->is_object() || !json->contains("step") ||
        !(*json)["step"].is_number_integer()) {
      return InvalidLine(file, number, "is no object with a step; move the file away to go on");
    }
    if ((*json)["step"].get<std::int64_t>() <= steps_done) kept.append(line).append("\n");
  }
  return kept;
}

Status DropLaterLines(const std::filesystem::path& path, std::int64_t steps_done) {
  const auto text = ReadFile(path);
  if (!text.ok()) {
    if (text.error().code == ErrorCode::kNotFound) return {};
    return text.error();
  }
  ARENA_ASSIGN_OR_RETURN(const std::string kept, KeptLines(*text, steps_done, path.string()));
  return kept == *text ? Status() : WriteFileAtomic(path, kept);
}

}  // namespace

MetricsWriter::MetricsWriter(internal::AppendFile lines, EventFile events, const Clock& clock)
    : lines_(std::move(lines)), events_(std::move(events)), clock_(&clock) {}

Result<MetricsWriter> MetricsWriter::Open(const std::filesystem::path& out, std::int64_t steps_done,
                                          const Clock& clock) {
  const std::filesystem::path path = out / "metrics.jsonl", folder = out / "tensorboard";
  ARENA_RETURN_IF_ERROR(MakeFolder(folder));
  ARENA_RETURN_IF_ERROR(DropLaterLines(path, steps_done));
  ARENA_ASSIGN_OR_RETURN(
      internal::AppendFile lines,
      internal::AppendFile::Open(path, internal::AppendFile::Mode::kOpenOrCreate));
  ARENA_ASSIGN_OR_RETURN(EventFile events, EventFile::Create(folder, steps_done, clock.Now()));
  return MetricsWriter(std::move(lines), std::move(events), clock);
}

Status MetricsWriter::Write(std::int64_t step, std::span<const Metric> metrics) {
  Json line = {{"step", step}};
  for (const Metric& metric : metrics) line[std::string(metric.name)] = metric.value;
  ARENA_RETURN_IF_ERROR(lines_.Append(DumpJson(line) + "\n"));
  return events_.Write(step, metrics, clock_->Now());
}

}  // namespace arena::train
