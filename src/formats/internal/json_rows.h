// Rows of a JSON file: one object per line, or the objects of one array. Includes simdjson: for the
// .cpp files of this folder only.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"
#include "formats/byte_stream.h"
#include "formats/internal/row_log.h"

namespace arena {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

/// One row with its place. Views that its members return are valid until the callback ends.
class JsonRow {
 public:
  JsonRow(std::string_view file, std::int64_t line, std::int64_t array_row, JsonObject object)
      : file_(file), line_(line), array_row_(array_row), object_(object) {}

  const JsonObject& object() const { return object_; }
  std::string_view file() const { return file_; }
  /// Where the row begins, from 1.
  std::int64_t line() const { return line_; }
  /// The row's number in its array, from 1; 0 where each line is a row.
  std::int64_t array_row() const { return array_row_; }
  /// "FILE:LINE: message", in an array with the row's number.
  Error Fail(std::string_view message) const;

  /// The member, unless it is absent or null.
  std::optional<JsonElement> Find(std::string_view key) const;
  /// The member; absent or null is an error that names the nearest member there is.
  Result<JsonElement> Need(std::string_view key) const;

  /// A string that must be there.
  Result<std::string_view> String(std::string_view key) const;
  /// A string; empty where absent or null. Another type is an error.
  Result<std::string_view> OptionalString(std::string_view key) const;
  /// A string or a number as text (identifiers); empty where absent or null.
  Result<std::string> OptionalId(std::string_view key) const;
  /// A number; nothing where absent or null. Another type is an error.
  Result<std::optional<double>> OptionalNumber(std::string_view key) const;
  /// A boolean; nothing where absent or null. Another type is an error.
  Result<std::optional<bool>> OptionalBool(std::string_view key) const;
  /// An array that must be there.
  Result<JsonArray> Array(std::string_view key) const;

  /// "the field "x" should be ..." for a member of the wrong type.
  Error WrongType(std::string_view key, std::string_view expected) const;

 private:
  std::string_view file_;
  std::int64_t line_;
  std::int64_t array_row_;  ///< 0: not in an array
  JsonObject object_;
};

/// A string, or a number as text; nothing for any other type.
std::optional<std::string> JsonId(JsonElement element);
/// Any number as a double; nothing for any other type.
std::optional<double> JsonNumber(JsonElement element);
/// A string; nothing for any other type.
std::optional<std::string_view> JsonString(JsonElement element);
/// The member of an object that is a string, else nothing.
std::optional<std::string_view> JsonStringMember(JsonElement element, std::string_view key);

/// Returns the error of a bad row, or what log.Delivered(...) returned.
using JsonRowSink = FunctionRef<Status(const JsonRow&)>;

/// Calls `row` for every row of the source, in order; memory is bounded by the longest row, in an
/// array too. A first byte `[` makes it an array, anything else one object per line (empty lines
/// are skipped). Bad rows go to `log`; a last line without a newline that begins like an object and
/// is not valid JSON is torn and always skipped. An array that is cut off is an error (skipped with
/// skip_bad_rows). Other errors: those of LineReader.
Status ForEachJsonRow(const InputSource& source, RowLog& log, JsonRowSink row);
/// The same where the window stands at the file's start.
Status ForEachJsonRow(ByteWindow window, RowLog& log, JsonRowSink row);

/// The first byte that is not space, which stays in the window; nothing if there is none.
Result<std::optional<char>> FirstByte(ByteWindow& window);

}  // namespace arena
