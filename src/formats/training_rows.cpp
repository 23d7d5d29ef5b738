// Reading training data: which form a row has, and what all rows must satisfy.
#include "formats/training_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "formats/internal/training_turns.h"

namespace arena {
namespace {

constexpr std::array<std::pair<TrainingFormat, std::string_view>, 6> kTrainingFormats = {{
    {TrainingFormat::kAuto, "auto"},
    {TrainingFormat::kOpenAi, "openai"},
    {TrainingFormat::kShareGpt, "sharegpt"},
    {TrainingFormat::kAlpaca, "alpaca"},
    {TrainingFormat::kTrl, "trl"},
    {TrainingFormat::kOpenRlhf, "openrlhf"},
}};

struct Form {
  TrainingTask task;
  TrainingFormat format;
  std::array<std::string_view, 2> keys;  ///< members that the row has; the second may be empty
  TrainingRowReader reader;
};

// Of the forms that fit a row the first one counts.
constexpr std::array<Form, 18> kForms = {{
    {TrainingTask::kFineTuning, TrainingFormat::kOpenAi, {"messages"}, &MessagesRow},
    {TrainingTask::kFineTuning, TrainingFormat::kTrl, {"messages"}, &MessagesRow},
    {TrainingTask::kFineTuning, TrainingFormat::kShareGpt, {"conversations"}, &ShareGptRow},
    {TrainingTask::kFineTuning, TrainingFormat::kTrl, {"prompt", "completion"}, &CompletionRow},
    {TrainingTask::kFineTuning, TrainingFormat::kAlpaca, {"instruction"}, &AlpacaRow},
    {TrainingTask::kFineTuning, TrainingFormat::kOpenRlhf, {"input"}, &InputOutputRow},
    {TrainingTask::kFineTuning, TrainingFormat::kTrl, {"text"}, &TextRow},
    {TrainingTask::kPreferences,
     TrainingFormat::kShareGpt,
     {"conversations", "chosen"},
     &ShareGptPreferenceRow},
    {TrainingTask::kPreferences,
     TrainingFormat::kAlpaca,
     {"instruction", "chosen"},
     &AlpacaPreferenceRow},
    {TrainingTask::kPreferences, TrainingFormat::kTrl, {"chosen", "rejected"}, &PreferenceRow},
    {TrainingTask::kPreferences, TrainingFormat::kOpenRlhf, {"chosen", "rejected"}, &PreferenceRow},
    {TrainingTask::kPrompts, TrainingFormat::kTrl, {"prompt"}, &PromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kOpenAi, {"messages"}, &MessagesPromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kTrl, {"messages"}, &MessagesPromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kShareGpt, {"conversations"}, &ShareGptPromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kAlpaca, {"instruction"}, &AlpacaPromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kOpenRlhf, {"input"}, &InputPromptRow},
    {TrainingTask::kPrompts, TrainingFormat::kOpenRlhf, {"prompt"}, &PromptRow},
}};

std::string_view TaskName(TrainingTask task) {
  switch (task) {
    case TrainingTask::kFineTuning:
      return "answers to learn";
    case TrainingTask::kPreferences:
      return "preferences";
    case TrainingTask::kPrompts:
      return "prompts";
  }
  return "";
}

/// The forms of a task and a format.
class Forms {
 public:
  Forms(TrainingTask task, TrainingFormat format) : task_(task) {
    for (const Form& form : kForms) {
      const bool fits = format == TrainingFormat::kAuto || form.format == format;
      if (form.task == task && fits) forms_.push_back(&form);
    }
  }

  bool empty() const { return forms_.empty(); }

  Result<TrainingRow> Read(const JsonRow& row) const {
    for (const Form* form : forms_) {
      const bool fits =
          row.Find(form->keys[0]) && (form->keys[1].empty() || row.Find(form->keys[1]));
      if (fits) return form->reader(row);
    }
    return row.Fail(
        fmt::format("this is no row of {}: it should have {}", TaskName(task_), KeysText()));
  }

 private:
  std::string KeysText() const {
    std::vector<std::string> all;
    for (const Form* form : forms_) {
      std::string keys = fmt::format("\"{}\"", form->keys[0]);
      if (!form->keys[1].empty()) keys += fmt::format(" and \"{}\"", form->keys[1]);
      if (std::find(all.begin(), all.end(), keys) == all.end()) all.push_back(std::move(keys));
    }
    return fmt::format("{}", fmt::join(all, ", or "));
  }

  TrainingTask task_;
  std::vector<const Form*> forms_;
};

// A conversation with tools means something else without them.
Status CheckNoTools(const JsonRow& row) {
  const auto tools = row.Find("tools");
  if (!tools) return {};
  JsonArray list;
  const auto text = JsonString(*tools);
  const bool is_empty =
      tools->get(list) == simdjson::SUCCESS ? list.size() == 0 : text == "" || text == "[]";
  if (is_empty) return {};
  return row.Fail("tools are not supported; leave the row out");
}

Result<TrainingRow> ReadRow(const Forms& forms, const JsonRow& row) {
  ARENA_RETURN_IF_ERROR(CheckNoTools(row));
  ARENA_ASSIGN_OR_RETURN(TrainingRow read, forms.Read(row));
  read.number = row.array_row() > 0 ? row.array_row() : row.line();
  read.place = fmt::format("{}:{}", row.file(), row.line());
  return read;
}

}  // namespace

std::string_view TrainingFormatName(TrainingFormat format) {
  for (const auto& [value, name] : kTrainingFormats) {
    if (value == format) return name;
  }
  return "";
}

std::optional<TrainingFormat> ParseTrainingFormat(std::string_view name) {
  for (const auto& [value, format_name] : kTrainingFormats) {
    if (format_name == name) return value;
  }
  return std::nullopt;
}

Result<ReadReport> ReadTrainingRows(TrainingTask task, TrainingFormat format,
                                    const std::filesystem::path& file, const ReadOptions& options,
                                    TrainingRowSink sink) {
  return ReadTrainingSource(task, format, InputSource::File(file), options, sink);
}

Result<ReadReport> ReadTrainingSource(TrainingTask task, TrainingFormat format,
                                      const InputSource& source, const ReadOptions& options,
                                      TrainingRowSink sink) {
  const Forms forms(task, format);
  if (forms.empty()) {
    return InvalidInput(
        fmt::format("the format {} has no {}", TrainingFormatName(format), TaskName(task)));
  }
  RowLog log(options);
  ARENA_RETURN_IF_ERROR(ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
    ARENA_ASSIGN_OR_RETURN(TrainingRow read, ReadRow(forms, row));
    return log.Delivered(sink(std::move(read)));
  }));
  return log.report();
}

}  // namespace arena
