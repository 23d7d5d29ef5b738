// Answers for a file of conversations: `arena generate`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "chat/local_model.h"

namespace arena {

struct GenerateFileOptions {
  std::filesystem::path input;      ///< JSONL; each row has `messages`; .gz and .zst too
  std::filesystem::path output;     ///< JSONL; continued where it has answers already
  Sampling sampling;                ///< the seed of a row is made of this one and its messages
  std::int64_t max_new_tokens = 0;  ///< 0: as many as the context leaves
  std::vector<std::string> stop;
  /// Rows that run together, alone in a worker, and are written together: the same file gives the
  /// same bits again, whatever was interrupted.
  std::size_t unit = 32;
  /// Rows enter and leave the running batch one by one: faster, and last bits depend on the
  /// company, so now and then an answer does too.
  bool fast = false;
  bool overwrite = false;      ///< start anew
  bool details = false;        ///< add finish_reason and usage to each row
  bool skip_bad_rows = false;  ///< leave out what is no row with messages
  unsigned workers = 1;        ///< of the model
  /// Of the model too. They decide what runs together in a unit, and so the last bits.
  std::int64_t max_batch = 64;
  std::int64_t cache_mb = 512;
};

struct GenerateFileReport {
  std::int64_t rows = 0;     ///< in the output
  std::int64_t kept = 0;     ///< of them from an earlier run
  std::int64_t failed = 0;   ///< written without an answer, with `error`
  std::int64_t skipped = 0;  ///< bad rows that were left out
  std::int64_t cut = 0;      ///< answers that reached the limit of tokens
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t checked = 0;   ///< fast: rows that were asked again as a unit
  std::int64_t agreeing = 0;  ///< fast: of them, those with the same answer
  bool interrupted = false;
  std::vector<std::string> problems;  ///< the first 20: failed and skipped rows
};

/// Writes the rows in their order, each with the assistant's answer appended to `messages`. Beside
/// the output stands OUTPUT.run.json with what the answers depend on; an output made with other
/// settings, another model or other rows is an error unless `overwrite`. Ctrl-C: what is in flight
/// is finished and written. `progress` gets the rows that are written and those of the input.
/// Errors: a row that is not valid (file and line), files that cannot be read or written.
Result<GenerateFileReport> GenerateFile(
    LocalModel& model, const GenerateFileOptions& options,
    FunctionRef<void(std::int64_t rows, std::int64_t total)> progress);

}  // namespace arena
