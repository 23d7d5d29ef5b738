// Comma- or tab-separated tables with a header row (RFC 4180).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/byte_stream.h"
#include "formats/line_reader.h"

namespace arena {

struct CsvOptions {
  /// '\0': tab if the header row has a tab and no comma, else comma.
  char delimiter = '\0';
  std::size_t max_row_bytes = kDefaultMaxRowBytes;
  /// For a later part of a file, which has no header row: the columns, with `delimiter` set, and
  /// the file's bytes before the part, from which lines are numbered.
  std::vector<std::string> header{};
  std::string_view before{};
};

/// Reads a table row by row in bounded memory. Fields in quotes may hold delimiters, newlines and
/// doubled quotes; a quote inside an unquoted field is an ordinary character. Rows end with "\n" or
/// "\r\n"; empty lines are skipped. Movable; not thread-safe.
///
///   ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(InputSource::File(path)));
///   ARENA_ASSIGN_OR_RETURN(const std::size_t prompt, csv.Column("prompt"));
///   while (true) {
///     ARENA_ASSIGN_OR_RETURN(const bool more, csv.Next());
///     if (!more) break;
///     Use(csv.field(prompt));
///   }
class CsvReader {
 public:
  /// Opens the source and reads the header row. Errors: no header row, an empty or repeated name.
  static Result<CsvReader> Open(const InputSource& source, const CsvOptions& options = {});
  /// The same where the window stands at the file's start.
  static Result<CsvReader> Open(ByteWindow window, const CsvOptions& options = {});

  const std::vector<std::string>& header() const { return header_; }
  char delimiter() const { return options_.delimiter; }
  /// The position of a column, if there is one.
  std::optional<std::size_t> Find(std::string_view name) const;
  /// The position of a column that must be there; the error names the nearest one.
  Result<std::size_t> Column(std::string_view name) const;

  /// Goes to the next row; false at the end. After an error with recoverable() true (a row with
  /// too few or too many fields, or text behind a closing quote) the next call goes on with the
  /// row after it; other errors end the reading.
  Result<bool> Next();
  bool recoverable() const { return recoverable_; }

  /// A field of the row, unquoted; `column` < header().size(). Valid until the next Next().
  std::string_view field(std::size_t column) const { return fields_[column]; }
  /// The line on which the row begins, from 1 (the header's, usually).
  std::int64_t line() const { return LinesBefore() + line_; }
  const std::string& name() const { return window_.name(); }
  /// "FILE:LINE: message" for the row.
  Error Fail(std::string_view message) const;

 private:
  /// Walks over the ends of unquoted fields, 64 bytes at a time and on from row to row.
  class FieldEnds {
   public:
    /// Goes to `at`; what was found behind it is kept if the walk stands there already.
    void GoTo(const char* at, char delimiter) {
      if (at != next_) Restart(at, delimiter);
    }
    void Restart(const char* at, char delimiter);
    /// The next delimiter or newline; there must be one before the padding's end.
    const char* Next(char delimiter);
    /// For bytes that moved or changed.
    void Forget() { next_ = nullptr; }

   private:
    const char* block_ = nullptr;
    const char* next_ = nullptr;  ///< behind the last end
    std::uint64_t bits_ = 0;      ///< bit i: block_[i] is an end still to come
  };

  CsvReader(ByteWindow window, const CsvOptions& options);
  Status ReadHeader();
  std::int64_t LinesBefore() const;
  Result<bool> FindRow();
  Status GrowForRow();
  bool ScanRow();
  const char* ScanQuoted(const char* open, const char* end);
  void UnescapeFields();

  ByteWindow window_;
  CsvOptions options_;
  FieldEnds ends_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;  ///< the first field_count_ belong to the row
  std::size_t field_count_ = 0;
  std::vector<std::size_t>
      escaped_;                ///< fields with doubled quotes, unescaped when the row is whole
  std::size_t row_bytes_ = 0;  ///< of the row at the window's front, its line end included
  std::int64_t row_lines_ = 0;
  std::int64_t line_ = 1;  ///< within the source
  /// Of options_.before; counted when it is first asked for.
  mutable std::optional<std::int64_t> lines_before_;
  bool at_end_ = false;  ///< the window holds the last bytes
  bool text_after_quote_ = false;
  bool recoverable_ = false;
};

}  // namespace arena
