// What a reader keeps of its rows: how many it delivered, which ones it skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "formats/reading.h"

namespace arena {

/// Counts rows and keeps apart two kinds of errors: a bad row, which may be skipped, and an error
/// of the consumer, which ends the reading. Not thread-safe.
///
/// A reader ends each row with `return log.Delivered(sink(record));`, and the loop around it hands
/// the row's error to `log.BadRow(error)`.
class RowLog {
 public:
  explicit RowLog(const ReadOptions& options) : options_(options) {}

  /// Passes on what the sink returned for the record of one row, or of `rows` that are alike.
  Status Delivered(Status status, std::int64_t rows = 1) {
    if (status.ok()) {
      report_.rows += rows;
    } else {
      sink_failed_ = true;
    }
    return status;
  }

  /// The error of a row: OK if it may be skipped (and is then counted), else the error itself.
  Status BadRow(Error error) {
    if (sink_failed_ || !options_.skip_bad_rows || error.code != ErrorCode::kInvalidInput) {
      return error;
    }
    Skip(std::move(error.message));
    return {};
  }

  /// Goes to the next row of a LineReader or CsvReader; false at the end. What cannot be read and
  /// can be passed over is a bad row.
  template <typename Reader>
  Result<bool> Next(Reader& reader) {
    while (true) {
      auto more = reader.Next();
      if (more.ok() || !reader.recoverable()) return more;
      ARENA_RETURN_IF_ERROR(BadRow(std::move(more).error()));
    }
  }

  /// Counts a row that is skipped whatever the options say.
  void Skip(std::string problem) {
    ++report_.bad_rows;
    if (report_.problems.size() < kKeptProblems) report_.problems.push_back(std::move(problem));
  }

  /// Adds what another log has of the rows that follow.
  void Append(const ReadReport& later) {
    report_.rows += later.rows;
    report_.bad_rows += later.bad_rows;
    for (const std::string& problem : later.problems) {
      if (report_.problems.size() < kKeptProblems) report_.problems.push_back(problem);
    }
  }

  const ReadReport& report() const { return report_; }

 private:
  static constexpr std::size_t kKeptProblems = 20;
  ReadOptions options_;
  ReadReport report_;
  bool sink_failed_ = false;
};

}  // namespace arena
