#include "formats/answers.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/nearest.h"
#include "formats/internal/answer_rows.h"

namespace arena {
namespace {

constexpr std::array<std::pair<AnswerFormat, std::string_view>, 6> kAnswerFormats = {{
    {AnswerFormat::kFastChat, "fastchat"},
    {AnswerFormat::kArenaHard, "arena-hard"},
    {AnswerFormat::kAlpacaEval, "alpaca-eval"},
    {AnswerFormat::kGsm8k, "gsm8k"},
    {AnswerFormat::kJsonl, "jsonl"},
    {AnswerFormat::kCsv, "csv"},
}};

constexpr std::array<std::string_view, 6> kAnswerFields = {"id",    "prompt",    "answer",
                                                           "model", "reasoning", "finish_reason"};

using AnswerReader = Status (*)(const JsonRow&, AnswerCollector&);

// nullptr for the formats with named fields.
AnswerReader ReaderOf(AnswerFormat format) {
  switch (format) {
    case AnswerFormat::kFastChat:
      return &FastChatAnswers;
    case AnswerFormat::kArenaHard:
      return &ArenaHardAnswers;
    case AnswerFormat::kAlpacaEval:
      return &AlpacaEvalAnswers;
    case AnswerFormat::kGsm8k:
      return &Gsm8kAnswers;
    case AnswerFormat::kJsonl:
    case AnswerFormat::kCsv:
      break;
  }
  return nullptr;
}

}  // namespace

std::string_view AnswerFormatName(AnswerFormat format) {
  for (const auto& [value, name] : kAnswerFormats) {
    if (value == format) return name;
  }
  return "";
}

std::optional<AnswerFormat> ParseAnswerFormat(std::string_view name) {
  for (const auto& [value, format_name] : kAnswerFormats) {
    if (format_name == name) return value;
  }
  return std::nullopt;
}

bool AnswerCollector::Wants(std::string_view model) {
  if (model.empty()) {
    models_.insert(options_.model);
    return true;
  }
  if (models_.find(model) == models_.end()) models_.emplace(model);
  return options_.model.empty() || options_.model == model;
}

void AnswerCollector::Add(RecordedAnswer&& answer) {
  if (answer.model.empty()) answer.model = options_.model;
  row_.push_back(std::move(answer));
}

Status AnswerCollector::EndRow(Status row_status) {
  std::vector<RecordedAnswer> answers;
  answers.swap(row_);
  ARENA_RETURN_IF_ERROR(std::move(row_status));
  for (RecordedAnswer& answer : answers) {
    ARENA_RETURN_IF_ERROR(log_.Delivered(sink_(std::move(answer))));
  }
  return {};
}

Status AnswerCollector::EndFile(const std::string& file) const {
  if (options_.model.empty() || models_.count(options_.model) > 0) return {};
  if (models_.empty()) {
    return NotFound(
        fmt::format("{}: has no answers of \"{}\", nor of any other model", file, options_.model));
  }
  constexpr std::size_t kListed = 20;
  std::vector<std::string_view> names(models_.begin(), models_.end());
  const auto nearest = NearestName(options_.model, names);
  const std::size_t more = names.size() > kListed ? names.size() - kListed : 0;
  names.resize(names.size() - more);
  return NotFound(
      fmt::format("{}: has no answers of \"{}\"{}; it has answers of {}{}", file, options_.model,
                  nearest ? fmt::format(" (did you mean \"{}\"?)", *nearest) : "",
                  fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

Result<ReadReport> ReadAnswers(AnswerFormat format, const std::filesystem::path& file,
                               const AnswerOptions& options, AnswerSink sink) {
  return ReadAnswerSource(format, InputSource::File(file), options, sink);
}

Result<ReadReport> ReadAnswerSource(AnswerFormat format, const InputSource& source,
                                    const AnswerOptions& options, AnswerSink sink) {
  RowLog log(options.read);
  AnswerCollector collector(options, sink, log);
  if (const AnswerReader reader = ReaderOf(format)) {
    ARENA_RETURN_IF_ERROR(ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
      return collector.EndRow(reader(row, collector));
    }));
  } else {
    const NamedRowsOptions named{format == AnswerFormat::kCsv, kAnswerFields, options.columns};
    ARENA_RETURN_IF_ERROR(ForEachNamedRow(source, named, log, [&](const NamedRow& row) -> Status {
      return collector.EndRow(NamedAnswers(row, collector));
    }));
  }
  ARENA_RETURN_IF_ERROR(collector.EndFile(source.name));
  return log.report();
}

}  // namespace arena
