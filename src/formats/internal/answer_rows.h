// What the readers of recorded answers share. Includes simdjson: for the .cpp files of this folder
// only.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/answers.h"
#include "formats/internal/json_rows.h"
#include "formats/internal/named_rows.h"
#include "formats/internal/row_log.h"

namespace arena {

/// Takes the answers of one row after the other, keeps those of the wanted model, and delivers a
/// row's answers together once the whole row is known to be right.
class AnswerCollector {
 public:
  AnswerCollector(const AnswerOptions& options, AnswerSink sink, RowLog& log)
      : options_(options), sink_(sink), log_(log) {}

  /// Whether answers of `model` are wanted; it is one of the file's models from now on. An empty
  /// name stands for a file that does not say: such answers are the wanted model's.
  bool Wants(std::string_view model);
  /// Keeps an answer of a wanted model for the row's end.
  void Add(RecordedAnswer&& answer);
  /// The row is right (`row_status`): delivers its answers; else drops them.
  Status EndRow(Status row_status);
  /// After the last row. Error: the wanted model had no row.
  Status EndFile(const std::string& file) const;

 private:
  const AnswerOptions& options_;
  AnswerSink sink_;
  RowLog& log_;
  std::set<std::string, std::less<>> models_;
  std::vector<RecordedAnswer> row_;
};

/// The readers of one row each.
Status FastChatAnswers(const JsonRow& row, AnswerCollector& out);
Status ArenaHardAnswers(const JsonRow& row, AnswerCollector& out);
Status AlpacaEvalAnswers(const JsonRow& row, AnswerCollector& out);
Status Gsm8kAnswers(const JsonRow& row, AnswerCollector& out);
Status NamedAnswers(const NamedRow& row, AnswerCollector& out);

}  // namespace arena
