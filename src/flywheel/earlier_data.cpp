#include "flywheel/internal/earlier_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/function_ref.h"
#include "flywheel/internal/candidate.h"
#include "formats/line_reader.h"

namespace arena::flywheel {
namespace {

// What a line of provenance says that matters here.
struct Origin {
  Key asked;
  std::optional<Key> battle;
};

std::optional<Key> KeyMember(const Json& json, const char* name) {
  const auto member = json.find(name);
  if (member == json.end() || !member->is_string()) return std::nullopt;
  return Key::FromHex(member->get_ref<const std::string&>());
}

Result<Origin> ParseOrigin(const LineReader& lines) {
  const auto json = ParseJson(lines.line());
  if (!json.ok()) return InvalidLine(lines.name(), lines.number(), json.error().message);
  const auto asked = json->is_object() ? KeyMember(*json, "asked") : std::nullopt;
  if (!asked) {
    return InvalidLine(lines.name(), lines.number(),
                       "no \"asked\" with 32 hexadecimal digits: this is no provenance of a row");
  }
  return Origin{*asked, KeyMember(*json, "battle")};
}

// Calls `row` with each line of the data and the line of its provenance.
Status ForEachRow(const std::filesystem::path& file,
                  FunctionRef<Status(const LineReader& data, const LineReader& provenance)> row) {
  const auto beside = BesideData(file, kProvenanceSuffix);
  ARENA_ASSIGN_OR_RETURN(LineReader data, LineReader::Open(InputSource::File(file)));
  ARENA_ASSIGN_OR_RETURN(LineReader provenance, LineReader::Open(InputSource::File(beside)));
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, data.Next());
    ARENA_ASSIGN_OR_RETURN(const bool more_provenance, provenance.Next());
    if (more != more_provenance) {
      return InvalidInput(fmt::format("{} and {} must have equally many lines; select again",
                                      file.string(), beside.string()));
    }
    if (!more) return {};
    ARENA_RETURN_IF_ERROR(row(data, provenance));
  }
}

Status CheckCard(const std::filesystem::path& file, const SelectionSettings& settings) {
  const auto path = BesideData(file, kCardSuffix);
  const auto text = ReadFile(path);
  if (!text.ok()) {
    return InvalidInput(
        fmt::format("{}; earlier data is a file that `arena select` wrote, with its card and "
                    "provenance beside it",
                    text.error().message));
  }
  const auto card = ParseJson(*text);
  if (!card.ok()) return InvalidInput(fmt::format("{}: {}", path.string(), card.error().message));
  const auto setting = [&](const char* name) {
    const Json& values = card->value("settings", Json::object());
    return values.is_object() ? values.value(name, std::string()) : std::string();
  };
  const auto kind = TrainingKindName(settings.kind);
  const auto format = TrainerFormatName(settings.format);
  if (setting("for") == kind && setting("format") == format) return {};
  return InvalidInput(fmt::format("{} holds {} data in the format {}, and this is {} in {}",
                                  file.string(), setting("for"), setting("format"), kind, format));
}

}  // namespace

Result<EarlierData> EarlierData::Plan(const SelectionSettings& settings,
                                      const SelectionInputs& inputs,
                                      const std::unordered_set<Key, KeyHash>& new_battles,
                                      std::int64_t new_rows) {
  EarlierData earlier;
  for (const auto& file : inputs.earlier) {
    ARENA_RETURN_IF_ERROR(CheckCard(file, settings));
    ARENA_RETURN_IF_ERROR(earlier.PlanFile(file, settings, inputs.test_set, new_battles));
  }
  if (settings.replay) {
    const double most = std::round(*settings.replay * static_cast<double>(new_rows));
    if (most < static_cast<double>(earlier.counts_.rows)) {
      earlier.DrawRows(static_cast<std::int64_t>(most));
    }
  }
  const CardEarlier& counts = earlier.counts_;
  earlier.counts_.kept = counts.rows - counts.not_drawn - counts.repeated - counts.in_test_set;
  return earlier;
}

Status EarlierData::PlanFile(const std::filesystem::path& file, const SelectionSettings& settings,
                             const TestSet* test_set,
                             const std::unordered_set<Key, KeyHash>& new_battles) {
  files_.push_back(file);
  std::vector<Row>& rows = rows_.emplace_back();
  const auto plan = [&](const LineReader& data, const LineReader& provenance) -> Status {
    ARENA_ASSIGN_OR_RETURN(const Origin origin, ParseOrigin(provenance));
    const Key text = HashBytes(data.line());
    Row& row = rows.emplace_back();
    row.draw = Draw(settings.seed, "replay", text);
    if (test_set != nullptr && test_set->Overlaps(origin.asked)) {
      ++counts_.in_test_set;
    } else if (!seen_.insert(text).second ||
               (origin.battle && new_battles.count(*origin.battle) > 0)) {
      ++counts_.repeated;
    } else {
      row.stays = true;
    }
    return {};
  };
  ARENA_RETURN_IF_ERROR(ForEachRow(file, plan));
  counts_.rows += static_cast<std::int64_t>(rows.size());
  ARENA_ASSIGN_OR_RETURN(
      CardInput input, DescribeInput("earlier data", file, static_cast<std::int64_t>(rows.size())));
  inputs_.push_back(std::move(input));
  return {};
}

void EarlierData::DrawRows(std::int64_t most) {
  std::vector<Row*> staying;
  std::vector<double> draws;
  for (std::vector<Row>& rows : rows_) {
    for (Row& row : rows) {
      if (!row.stays) continue;
      staying.push_back(&row);
      draws.push_back(row.draw);
    }
  }
  // Rows that stay differ in their texts, so that equal draws do not happen in practice.
  const std::vector<bool> stays = LowestDraws(draws, static_cast<std::size_t>(most));
  for (std::size_t i = 0; i < staying.size(); ++i) {
    if (stays[i]) continue;
    staying[i]->stays = false;
    ++counts_.not_drawn;
  }
}

Status EarlierData::CopyTo(TrainingFiles& files) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    std::size_t next = 0;
    const auto copy = [&](const LineReader& data, const LineReader& provenance) -> Status {
      if (next >= rows_[i].size()) {
        return Error{ErrorCode::kUnavailable,
                     fmt::format("{} grew while it was read; try again", files_[i].string())};
      }
      if (!rows_[i][next++].stays) return {};
      return files.AddRow(data.line(), provenance.line());
    };
    ARENA_RETURN_IF_ERROR(ForEachRow(files_[i], copy));
  }
  return {};
}

}  // namespace arena::flywheel
