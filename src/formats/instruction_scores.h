// Scores of instructions, such as their difficulty.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/function_ref.h"
#include "base/hash.h"
#include "base/result.h"
#include "formats/answers.h"
#include "formats/reading.h"

namespace arena {

/// Receives an instruction's key and its score.
using InstructionScoreSink = FunctionRef<Status(const Key&, double)>;

/// Streams the member `column` of every row that has it, as a number, in order, to `sink`. A row
/// names its instruction by `key` (32 hexadecimal digits), `messages` or `prompt` (a text, or a
/// list of them); `.gz` and `.zst` are read as they are, JSON as lines or as one array. Errors: a
/// row that is not like this, with file and line; no row with the column; what `sink` returns.
/// Thread-safe.
Result<ReadReport> ReadInstructionScores(const std::filesystem::path& file, std::string_view column,
                                         InstructionScoreSink sink);

/// The format of a file of instructions, by its name (`.csv`) or the members of its first row.
/// Error: none that is known.
Result<InstructionFormat> GuessInstructionFormat(const std::filesystem::path& file);

}  // namespace arena
