#include "formats/internal/named_rows.h"

#include <fmt/format.h>

#include <charconv>

#include "base/nearest.h"
#include "formats/csv.h"
#include "formats/internal/json_rows.h"

namespace arena {
namespace {

// What a canonical name is called in the file.
std::string_view ActualName(const FieldNames& columns, std::string_view canonical) {
  const auto found = columns.find(std::string(canonical));
  return found == columns.end() ? canonical : std::string_view(found->second);
}

Status CheckNames(const NamedRowsOptions& options) {
  for (const auto& [name, actual] : options.columns) {
    bool known = false;
    for (const std::string_view canonical : options.canonical) known |= canonical == name;
    if (known) continue;
    const auto nearest = NearestName(name, options.canonical);
    return InvalidInput(nearest
                            ? fmt::format("columns: there is no \"{}\" to name a column for; did "
                                          "you mean \"{}\"?",
                                          name, *nearest)
                            : fmt::format("columns: there is no \"{}\" to name a column for; "
                                          "known are {}",
                                          name, fmt::join(options.canonical, ", ")));
  }
  return {};
}

std::optional<JsonElement> Step(JsonElement from, std::string_view name) {
  JsonElement next;
  JsonArray array;
  if (from.get(array) != simdjson::SUCCESS) {
    if (from[name].get(next) != simdjson::SUCCESS) return std::nullopt;
    return next;
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (array.at(index).get(next) != simdjson::SUCCESS) return std::nullopt;
  return next;
}

// The element at a dotted path; a member whose own name has the dots comes first.
std::optional<JsonElement> FindPath(const JsonObject& object, std::string_view path) {
  JsonElement at;
  if (object.at_key(path).get(at) == simdjson::SUCCESS) return at;
  std::size_t dot = path.find('.');
  if (object.at_key(path.substr(0, dot)).get(at) != simdjson::SUCCESS) return std::nullopt;
  while (dot != std::string_view::npos) {
    path.remove_prefix(dot + 1);
    dot = path.find('.');
    const auto next = Step(at, path.substr(0, dot));
    if (!next) return std::nullopt;
    at = *next;
  }
  return at;
}

std::optional<std::string> ScalarText(JsonElement element) {
  bool truth = false;
  if (element.get(truth) == simdjson::SUCCESS) return truth ? "true" : "false";
  return JsonId(element);
}

class NamedJsonRow final : public NamedRow {
 public:
  NamedJsonRow(const JsonRow& row, const FieldNames& columns) : row_(row), columns_(columns) {}

  Result<NamedValue> Get(std::string_view canonical) const override {
    const std::string_view name = ActualName(columns_, canonical);
    NamedValue value;
    const auto element = FindPath(row_.object(), name);
    if (!element) {
      if (columns_.count(std::string(canonical)) == 0) return value;
      const auto missing = row_.Need(name);  // for its message
      return missing.ok() ? Fail("the field is gone") : missing.error();
    }
    value.is_present = true;
    value.is_null = element->is_null();
    if (value.is_null) return value;
    JsonArray list;
    value.is_list = element->get(list) == simdjson::SUCCESS;
    if (!value.is_list) {
      auto text = ScalarText(*element);
      if (!text) return row_.WrongType(name, "text, a number or a list of strings");
      value.texts.push_back(*std::move(text));
      return value;
    }
    for (const JsonElement entry : list) {
      const auto text = JsonString(entry);
      if (!text) return row_.WrongType(name, "text, a number or a list of strings");
      value.texts.emplace_back(*text);
    }
    return value;
  }

  std::int64_t line() const override { return row_.line(); }
  Error Fail(std::string_view message) const override { return row_.Fail(message); }

 private:
  const JsonRow& row_;
  const FieldNames& columns_;
};

class NamedCsvRow final : public NamedRow {
 public:
  NamedCsvRow(const CsvReader& csv, const FieldNames& columns) : csv_(csv), columns_(columns) {}

  Result<NamedValue> Get(std::string_view canonical) const override {
    NamedValue value;
    const auto column = csv_.Find(ActualName(columns_, canonical));
    if (!column) return value;
    value.is_present = true;
    value.texts.emplace_back(csv_.field(*column));
    return value;
  }

  std::int64_t line() const override { return csv_.line(); }
  Error Fail(std::string_view message) const override { return csv_.Fail(message); }

 private:
  const CsvReader& csv_;
  const FieldNames& columns_;
};

Status ForEachCsvRow(const InputSource& source, const FieldNames& columns, RowLog& log,
                     FunctionRef<Status(const NamedRow&)> row) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(source));
  for (const auto& [canonical, actual] : columns) ARENA_RETURN_IF_ERROR(csv.Column(actual));
  const NamedCsvRow named(csv, columns);
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, log.Next(csv));
    if (!more) return {};
    Status status = row(named);
    if (!status.ok()) ARENA_RETURN_IF_ERROR(log.BadRow(std::move(status).error()));
  }
}

}  // namespace

Result<std::string> NamedRow::Text(std::string_view canonical) const {
  ARENA_ASSIGN_OR_RETURN(NamedValue value, Get(canonical));
  if (value.is_list) return Fail(fmt::format("the {} should be one text, not a list", canonical));
  return value.texts.empty() ? std::string() : std::move(value.texts.front());
}

Status ForEachNamedRow(const InputSource& source, const NamedRowsOptions& options, RowLog& log,
                       FunctionRef<Status(const NamedRow&)> row) {
  ARENA_RETURN_IF_ERROR(CheckNames(options));
  if (options.is_csv) return ForEachCsvRow(source, options.columns, log, row);
  return ForEachJsonRow(source, log, [&](const JsonRow& json) -> Status {
    return row(NamedJsonRow(json, options.columns));
  });
}

}  // namespace arena
