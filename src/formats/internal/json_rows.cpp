#include "formats/internal/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "formats/line_reader.h"

namespace arena {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The bytes of one row and where they stand. kPadding bytes behind them are readable.
struct RowText {
  std::string_view text;
  std::int64_t line = 0;
  std::int64_t array_row = 0;
};

/// Parses a row and hands it on. The parser's memory is used again for each row.
class RowParser {
 public:
  RowParser(std::string_view file, JsonRowSink sink) : file_(file), sink_(sink) {}

  /// `syntax_ok` tells a bad row from bad JSON.
  Status Handle(const RowText& row, bool& syntax_ok) {
    JsonElement element;
    const auto code =
        parser_.parse(row.text.data(), row.text.size(), /*realloc_if_needed=*/false).get(element);
    syntax_ok = code == simdjson::SUCCESS;
    JsonObject object;
    const bool is_object = syntax_ok && element.get(object) == simdjson::SUCCESS;
    const JsonRow json(file_, row.line, row.array_row, object);
    if (!syntax_ok) {
      if (code == simdjson::MEMALLOC) return InternalError("no memory to parse a row");
      return json.Fail(fmt::format("not valid JSON ({})", simdjson::error_message(code)));
    }
    if (!is_object) return json.Fail("the row should be a JSON object");
    return sink_(json);
  }

 private:
  std::string_view file_;
  JsonRowSink sink_;
  simdjson::dom::parser parser_;
};

Status ReadLines(ByteWindow window, RowLog& log, JsonRowSink sink) {
  LineReader reader(std::move(window));
  RowParser parser(reader.name(), sink);
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, log.Next(reader));
    if (!more) return {};
    const std::string_view line = reader.line();
    const auto* const first = std::find_if_not(line.begin(), line.end(), IsSpace);
    if (first == line.end()) continue;
    bool syntax_ok = false;
    Status status = parser.Handle({line, reader.number(), 0}, syntax_ok);
    if (status.ok()) continue;
    if (!syntax_ok && !reader.terminated() && *first == '{') {
      log.Skip(InvalidLine(reader.name(), reader.number(),
                           "the last line is torn (the file was cut off while it was written); "
                           "skipped")
                   .message);
      return {};
    }
    ARENA_RETURN_IF_ERROR(log.BadRow(std::move(status).error()));
  }
}

/// Finds the elements of an array by their brackets and quotes, without parsing them.
class ArrayScanner {
 public:
  /// The window stands before the `[`, or before space in front of it.
  explicit ArrayScanner(ByteWindow window) : window_(std::move(window)) {}

  const std::string& name() const { return window_.name(); }

  /// The next element; nothing at the array's end. Errors end the reading.
  Result<std::optional<RowText>> Next() {
    if (row_ == 0) ARENA_RETURN_IF_ERROR(Open());
    ARENA_ASSIGN_OR_RETURN(const char next, SkipSpace());
    if (next == ']') {
      Drop(1);
      ARENA_RETURN_IF_ERROR(ExpectEnd());
      return std::optional<RowText>();
    }
    if (row_ > 0) {
      if (next != ',') return Fail("expected , or ] between the rows of the array");
      Drop(1);
      ARENA_ASSIGN_OR_RETURN(const char first, SkipSpace());
      if (first == ',' || first == ']') return Fail("a row of the array is empty");
    }
    ++row_;
    ARENA_ASSIGN_OR_RETURN(const std::size_t size, ElementSize());
    RowText row{{window_.begin(), size}, line_, row_};
    Drop(size);
    return std::optional<RowText>(row);
  }

 private:
  Error Fail(std::string_view message) const { return InvalidLine(name(), line_, message); }

  Status Open() {
    ARENA_ASSIGN_OR_RETURN([[maybe_unused]] const char bracket, SkipSpace());
    Drop(1);
    return {};
  }

  void Drop(std::size_t count) {
    line_ += std::count(window_.begin(), window_.begin() + count, '\n');
    window_.Consume(count);
  }

  /// The first byte that is not space; '\0' is not one that JSON knows, so it marks the end.
  Result<char> Peek() {
    while (true) {
      const char* const found = std::find_if_not(window_.begin(), window_.end(), IsSpace);
      Drop(static_cast<std::size_t>(found - window_.begin()));
      if (window_.size() > 0) return *window_.begin();
      ARENA_ASSIGN_OR_RETURN(const bool more, window_.Grow());
      if (!more) return '\0';
    }
  }

  Result<char> SkipSpace() {
    ARENA_ASSIGN_OR_RETURN(const char next, Peek());
    if (next == '\0' && window_.size() == 0) return EndsEarly();
    return next;
  }

  Error EndsEarly() const {
    return Fail(
        fmt::format("the array ends early, after or within row {}: the file was cut off", row_));
  }

  Status ExpectEnd() {
    ARENA_ASSIGN_OR_RETURN([[maybe_unused]] const char next, Peek());
    if (window_.size() > 0) return Fail("something follows the end of the array");
    return {};
  }

  /// The size of the element at the window's front, all of which it then holds.
  Result<std::size_t> ElementSize() {
    std::size_t at = 0;
    int depth = 0;
    bool in_string = false;
    bool escaped = false;
    while (true) {
      for (; at < window_.size(); ++at) {
        const char c = window_.begin()[at];
        if (escaped) {
          escaped = false;
        } else if (in_string) {
          escaped = c == '\\';
          in_string = c != '"';
        } else if (c == '"') {
          in_string = true;
        } else if (c == '{' || c == '[') {
          ++depth;
        } else if (c == '}' || c == ']') {
          if (--depth < 0) return at;
          if (depth == 0) return at + 1;
        } else if (c == ',' && depth == 0) {
          return at;
        }
      }
      if (at > kDefaultMaxRowBytes) {
        return Fail(fmt::format("row {} is longer than {} bytes", row_, kDefaultMaxRowBytes));
      }
      ARENA_ASSIGN_OR_RETURN(const bool more, window_.Grow());
      if (!more) return EndsEarly();
    }
  }

  ByteWindow window_;
  std::int64_t line_ = 1;
  std::int64_t row_ = 0;
};

Status ReadArray(ByteWindow window, RowLog& log, JsonRowSink sink) {
  ArrayScanner scanner(std::move(window));
  RowParser parser(scanner.name(), sink);
  while (true) {
    auto row = scanner.Next();
    if (!row.ok()) return log.BadRow(std::move(row).error());
    if (!row->has_value()) return {};
    bool syntax_ok = false;
    Status status = parser.Handle(**row, syntax_ok);
    if (!status.ok()) ARENA_RETURN_IF_ERROR(log.BadRow(std::move(status).error()));
  }
}

}  // namespace

Error JsonRow::Fail(std::string_view message) const {
  if (array_row_ == 0) return InvalidLine(file_, line_, message);
  return InvalidLine(file_, line_, fmt::format("row {}: {}", array_row_, message));
}

Error JsonRow::WrongType(std::string_view key, std::string_view expected) const {
  return Fail(fmt::format("the field \"{}\" should be {}", key, expected));
}

std::optional<JsonElement> JsonRow::Find(std::string_view key) const {
  JsonElement element;
  if (object_.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) {
    return std::nullopt;
  }
  return element;
}

Result<JsonElement> JsonRow::Need(std::string_view key) const {
  JsonElement element;
  if (object_.at_key(key).get(element) == simdjson::SUCCESS) {
    if (element.is_null()) return Fail(fmt::format("the field \"{}\" is null", key));
    return element;
  }
  std::vector<std::string_view> names;
  for (const auto member : object_) names.push_back(member.key);
  if (const auto nearest = NearestName(key, names)) {
    return Fail(fmt::format("there is no field \"{}\"; did you mean \"{}\"?", key, *nearest));
  }
  return Fail(fmt::format("there is no field \"{}\"", key));
}

Result<std::string_view> JsonRow::String(std::string_view key) const {
  ARENA_ASSIGN_OR_RETURN(const JsonElement element, Need(key));
  const auto text = JsonString(element);
  if (!text) return WrongType(key, "a string");
  return *text;
}

Result<std::string_view> JsonRow::OptionalString(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::string_view();
  const auto text = JsonString(*element);
  if (!text) return WrongType(key, "a string");
  return *text;
}

Result<std::string> JsonRow::OptionalId(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::string();
  auto id = JsonId(*element);
  if (!id) return WrongType(key, "a string or a number");
  return *std::move(id);
}

Result<std::optional<double>> JsonRow::OptionalNumber(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<double>();
  const auto number = JsonNumber(*element);
  if (!number) return WrongType(key, "a number");
  return number;
}

Result<std::optional<bool>> JsonRow::OptionalBool(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<bool>();
  bool value = false;
  if (element->get(value) != simdjson::SUCCESS) return WrongType(key, "true or false");
  return std::optional<bool>(value);
}

Result<JsonArray> JsonRow::Array(std::string_view key) const {
  ARENA_ASSIGN_OR_RETURN(const JsonElement element, Need(key));
  JsonArray array;
  if (element.get(array) != simdjson::SUCCESS) return WrongType(key, "an array");
  return array;
}

std::optional<double> JsonNumber(JsonElement element) {
  double number = 0;  // integers convert
  if (element.get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::optional<std::string> JsonId(JsonElement element) {
  if (const auto text = JsonString(element)) return std::string(*text);
  std::int64_t integer = 0;
  if (element.get(integer) == simdjson::SUCCESS) return fmt::format("{}", integer);
  if (const auto number = JsonNumber(element)) return fmt::format("{}", *number);
  return std::nullopt;
}

std::optional<std::string_view> JsonString(JsonElement element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<std::string_view> JsonStringMember(JsonElement element, std::string_view key) {
  JsonElement member;
  if (element[key].get(member) != simdjson::SUCCESS) return std::nullopt;
  return JsonString(member);
}

Result<std::optional<char>> FirstByte(ByteWindow& window) {
  while (true) {
    const char* const first = std::find_if_not(window.begin(), window.end(), IsSpace);
    if (first != window.end()) return std::optional<char>(*first);
    if (window.size() > kDefaultMaxRowBytes) {
      return InvalidInput(fmt::format("{}: begins with too many blank lines", window.name()));
    }
    ARENA_ASSIGN_OR_RETURN(const bool more, window.Grow());
    if (!more) return std::optional<char>();
  }
}

Status ForEachJsonRow(const InputSource& source, RowLog& log, JsonRowSink row) {
  ARENA_ASSIGN_OR_RETURN(ByteWindow window, ByteWindow::Open(source));
  return ForEachJsonRow(std::move(window), log, row);
}

Status ForEachJsonRow(ByteWindow window, RowLog& log, JsonRowSink row) {
  ARENA_ASSIGN_OR_RETURN(const std::optional<char> first, FirstByte(window));
  if (!first) return {};  // an empty file has no rows
  if (*first == '[') return ReadArray(std::move(window), log, row);
  return ReadLines(std::move(window), log, row);
}

}  // namespace arena
