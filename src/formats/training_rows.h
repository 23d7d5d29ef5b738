// Training data of other tools: conversations, preferences and prompts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/conversation.h"
#include "formats/byte_stream.h"
#include "formats/reading.h"

namespace arena {

/// What the rows are for, which decides what a row must have.
enum class TrainingTask {
  kFineTuning,   ///< answers to learn
  kPreferences,  ///< a chosen and a rejected answer to the same prompt
  kPrompts,      ///< prompts without an answer
};

enum class TrainingFormat {
  kAuto,  ///< each row by its members
  kOpenAi,
  kShareGpt,
  kAlpaca,
  kTrl,
  kOpenRlhf,
};
std::string_view TrainingFormatName(TrainingFormat format);
std::optional<TrainingFormat> ParseTrainingFormat(std::string_view name);

/// What follows a prompt: the assistant's turns, and the turns between them.
struct TrainingAnswer {
  Conversation turns;
  /// Indices of the assistant's turns that are not to be learned ("weight": 0), ascending.
  std::vector<std::size_t> masked;
  /// The last turn does not end where the assistant would have ended it.
  bool is_cut = false;
};

struct TrainingRow {
  /// The texts stand as they are and are no turns: the prompt, if there is one, and each answer
  /// have one message, whose text follows the other's without anything between them.
  bool is_plain = false;
  /// What comes before the answer and is not learned; empty where all of the assistant's turns are.
  Conversation prompt;
  TrainingAnswer answer;    ///< of a preference the chosen one
  TrainingAnswer rejected;  ///< of a preference only
  float margin = 0;         ///< of a preference: how much better the chosen one is; 0: not said
  std::int64_t number = 0;  ///< the line, or in an array the row, from 1
  std::string place;        ///< "FILE:LINE", for messages
};

using TrainingRowSink = FunctionRef<Status(TrainingRow&&)>;

/// Streams the rows of a file, in order, to `sink`. `.gz` and `.zst` are read as they are, JSON as
/// lines or as one array. Errors: a row that is not as docs/formats/training-data.md says, with
/// file and line; a format that has no rows for the task; what `sink` returns. Thread-safe.
Result<ReadReport> ReadTrainingRows(TrainingTask task, TrainingFormat format,
                                    const std::filesystem::path& file, const ReadOptions& options,
                                    TrainingRowSink sink);
/// The same over a file or bytes in memory.
Result<ReadReport> ReadTrainingSource(TrainingTask task, TrainingFormat format,
                                      const InputSource& source, const ReadOptions& options,
                                      TrainingRowSink sink);

}  // namespace arena
