// Files of training data as token data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "chat/training_encoder.h"
#include "checkpoint/token_data.h"
#include "formats/training_rows.h"

namespace arena {

struct TrainingDataOptions {
  TrainingTask task = TrainingTask::kFineTuning;
  TrainingFormat format = TrainingFormat::kAuto;
  std::vector<std::filesystem::path> files;
  bool skip_bad_rows = false;  ///< leave out what is not valid, too
  unsigned threads = 0;        ///< 0: all processors
};

/// Which examples come from a file.
struct SourceFile {
  std::filesystem::path path;
  std::size_t examples = 0;  ///< those behind the examples of the files before it
};

struct TrainingDataReport {
  std::vector<SourceFile> files;
  std::int64_t rows = 0;  ///< read, those left out included
  std::int64_t examples = 0;
  std::int64_t tokens = 0;
  std::int64_t learned_tokens = 0;
  std::int64_t longest = 0;  ///< tokens of the longest sequence
  std::int64_t cut = 0;      ///< examples that were shortened
  // Left out:
  std::int64_t bad_rows = 0;
  std::int64_t too_long = 0;
  std::int64_t empty = 0;
  std::int64_t masked = 0;
  std::int64_t identical = 0;
  std::vector<std::string> problems;  ///< the first 20 rows left out, each "FILE:LINE: why"

  std::int64_t left_out() const { return bad_rows + too_long + empty + masked + identical; }
};

struct TrainingData {
  TokenData tokens;
  TrainingDataReport report;
};

/// Reads and encodes the rows of all files in their order. The result does not depend on the number
/// of threads. `progress` gets the rows read so far. Errors: those of reading and encoding, with
/// file and line; files of which nothing is left (with the first reasons); Cancelled after Ctrl-C.
Result<TrainingData> EncodeTrainingData(const TrainingEncoder& encoder,
                                        const TrainingDataOptions& options,
                                        FunctionRef<void(std::int64_t rows)> progress);

}  // namespace arena
