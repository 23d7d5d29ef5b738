// Recorded answers of models, and the instructions that they answer.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "formats/byte_stream.h"
#include "formats/reading.h"

namespace arena {

enum class AnswerFormat {
  kFastChat,    ///< model_answer JSONL
  kArenaHard,   ///< v0.1 and v2 model_answer JSONL
  kAlpacaEval,  ///< model_outputs, and annotations (output_1/generator_1, output_2/generator_2)
  kGsm8k,       ///< example_model_solutions.jsonl: several models in one row
  kJsonl,       ///< named fields
  kCsv,         ///< named columns
};
std::string_view AnswerFormatName(AnswerFormat format);
std::optional<AnswerFormat> ParseAnswerFormat(std::string_view name);

struct AnswerOptions {
  ReadOptions read;
  /// Only answers of this model; empty: all. Formats without a model column take it as the name.
  std::string model;
  /// kJsonl, kCsv: canonical -> actual name, for those that are called otherwise. Canonical: "id",
  /// "prompt" (one of the two must be there), "answer" (must be there), "model", "reasoning",
  /// "finish_reason". In JSONL "a.b" is the member b of the member a, "a.0" the first element of
  /// the array a.
  std::map<std::string, std::string> columns;
};

/// One recorded answer. It is matched to an instruction by id where it has one, else by prompt.
struct RecordedAnswer {
  std::string model;
  std::string instruction_id;      ///< empty: none in the file
  std::string prompt;              ///< the first user turn; empty: not in the file
  std::vector<std::string> turns;  ///< one per user turn; never empty
  std::string reasoning;
  std::string finish_reason;
  Usage usage;
  std::optional<bool> is_correct;  ///< GSM8K's own mark, for checks
  std::int64_t line = 0;
};

using AnswerSink = FunctionRef<Status(RecordedAnswer&&)>;

/// Streams the answers of the file, in order, to `sink`; several samples of one instruction follow
/// each other. `.gz` and `.zst` are read as they are, JSON as lines or as one array. An answer that
/// is null (or FastChat's "$ERROR$") is not recorded and is left out. Errors: a row that is not as
/// docs/formats/answers.md says, with file and line; NotFound with the models that the file has if
/// it does not have `options.model`; what `sink` returns. Thread-safe.
Result<ReadReport> ReadAnswers(AnswerFormat format, const std::filesystem::path& file,
                               const AnswerOptions& options, AnswerSink sink);
/// The same over a file or bytes in memory.
Result<ReadReport> ReadAnswerSource(AnswerFormat format, const InputSource& source,
                                    const AnswerOptions& options, AnswerSink sink);

enum class InstructionFormat {
  kFastChat,    ///< question.jsonl: question_id, category, turns, reference
  kArenaHard,   ///< v0.1 (turns[].content) and v2 (uid, category, prompt)
  kAlpacaEval,  ///< instruction (and dataset as the category) of any AlpacaEval file
  kGsm8k,       ///< question + answer, or question + ground_truth
  kOpenAi,      ///< {"messages": [...]}; a closing assistant message becomes the reference
  kJsonl,       ///< named fields: id, prompt, category, reference
  kCsv,         ///< named columns, the same
};
std::string_view InstructionFormatName(InstructionFormat format);
std::optional<InstructionFormat> ParseInstructionFormat(std::string_view name);

struct InstructionOptions {
  ReadOptions read;
  /// kJsonl, kCsv: canonical -> actual name. Canonical: "id", "prompt", "category", "reference".
  /// In JSONL "a.b" is the member b of the member a.
  std::map<std::string, std::string> columns;
};

using InstructionSink = FunctionRef<Status(Instruction&&)>;

/// Streams the instructions of the file, in order, to `sink`, with key and source set. `.gz` and
/// `.zst` are read as they are, JSON as lines or as one array. Errors: a row that is not as
/// docs/formats/instructions.md says, with file and line; what `sink` returns. Thread-safe.
Result<ReadReport> ReadInstructions(InstructionFormat format, const std::filesystem::path& file,
                                    const InstructionOptions& options, InstructionSink sink);
/// The same over a file or bytes in memory.
Result<ReadReport> ReadInstructionSource(InstructionFormat format, const InputSource& source,
                                         const InstructionOptions& options, InstructionSink sink);

}  // namespace arena
