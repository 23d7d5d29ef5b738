// Rows whose fields have names that the user chose: JSONL members and CSV columns.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "formats/byte_stream.h"
#include "formats/internal/row_log.h"

namespace arena {

/// One field of a row.
struct NamedValue {
  bool is_present = false;
  bool is_null = false;            ///< JSON null
  bool is_list = false;            ///< a JSON array of strings
  std::vector<std::string> texts;  ///< one, or the elements of the list
};

/// One row. Valid during the callback that delivers it.
class NamedRow {
 public:
  virtual ~NamedRow() = default;
  /// The field with this canonical name. Numbers and booleans count as text. Errors: a field that
  /// the user named is absent; an object, or a list of anything but strings.
  virtual Result<NamedValue> Get(std::string_view canonical) const = 0;
  virtual std::int64_t line() const = 0;
  /// "FILE:LINE: message".
  virtual Error Fail(std::string_view message) const = 0;

  /// A single text; empty where absent or null. A list is an error.
  Result<std::string> Text(std::string_view canonical) const;
};

/// Names of fields: canonical -> as in the file.
using FieldNames = std::map<std::string, std::string>;

struct NamedRowsOptions {
  bool is_csv = false;
  std::span<const std::string_view> canonical;  ///< the names that may be asked for
  const FieldNames& columns;                    ///< the user's names for some of them
};

/// Calls `row` for every row of the source, in order. Errors: a name in `columns` that is not
/// canonical, a CSV column that the user named and the header has not, and those of the rows.
Status ForEachNamedRow(const InputSource& source, const NamedRowsOptions& options, RowLog& log,
                       FunctionRef<Status(const NamedRow&)> row);

}  // namespace arena
