// Reading instructions: which reader a format has, and what all rows must satisfy.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "formats/answers.h"
#include "formats/internal/instruction_rows.h"
#include "formats/internal/row_log.h"

namespace arena {
namespace {

constexpr std::array<std::pair<InstructionFormat, std::string_view>, 7> kInstructionFormats = {{
    {InstructionFormat::kFastChat, "fastchat"},
    {InstructionFormat::kArenaHard, "arena-hard"},
    {InstructionFormat::kAlpacaEval, "alpaca-eval"},
    {InstructionFormat::kGsm8k, "gsm8k"},
    {InstructionFormat::kOpenAi, "openai"},
    {InstructionFormat::kJsonl, "jsonl"},
    {InstructionFormat::kCsv, "csv"},
}};

constexpr std::array<std::string_view, 4> kInstructionFields = {"id", "prompt", "category",
                                                                "reference"};

using InstructionReader = Result<Instruction> (*)(const JsonRow&);

// nullptr for the formats with named fields.
InstructionReader ReaderOf(InstructionFormat format) {
  switch (format) {
    case InstructionFormat::kFastChat:
      return &FastChatInstruction;
    case InstructionFormat::kArenaHard:
      return &ArenaHardInstruction;
    case InstructionFormat::kAlpacaEval:
      return &AlpacaEvalInstruction;
    case InstructionFormat::kGsm8k:
      return &Gsm8kInstruction;
    case InstructionFormat::kOpenAi:
      return &OpenAiInstruction;
    case InstructionFormat::kJsonl:
    case InstructionFormat::kCsv:
      break;
  }
  return nullptr;
}

// Completes one row's instruction and hands it on.
template <typename Row>
Status Deliver(Result<Instruction> read, const std::string& file, const Row& row, RowLog& log,
               InstructionSink sink) {
  ARENA_ASSIGN_OR_RETURN(Instruction instruction, std::move(read));
  const Conversation& conversation = instruction.conversation;
  if (conversation.empty() || conversation.back().role != Role::kUser) {
    return row.Fail("the conversation should end with what the user asks");
  }
  for (const Message& message : conversation) {
    if (message.role == Role::kUser && message.content.empty()) {
      return row.Fail("the prompt is empty");
    }
  }
  instruction.key = ConversationKey(conversation);
  instruction.source = fmt::format("{}:{}", file, row.line());
  return log.Delivered(sink(std::move(instruction)));
}

}  // namespace

std::string_view InstructionFormatName(InstructionFormat format) {
  for (const auto& [value, name] : kInstructionFormats) {
    if (value == format) return name;
  }
  return "";
}

std::optional<InstructionFormat> ParseInstructionFormat(std::string_view name) {
  for (const auto& [value, format_name] : kInstructionFormats) {
    if (format_name == name) return value;
  }
  return std::nullopt;
}

Result<ReadReport> ReadInstructions(InstructionFormat format, const std::filesystem::path& file,
                                    const InstructionOptions& options, InstructionSink sink) {
  return ReadInstructionSource(format, InputSource::File(file), options, sink);
}

Result<ReadReport> ReadInstructionSource(InstructionFormat format, const InputSource& source,
                                         const InstructionOptions& options, InstructionSink sink) {
  RowLog log(options.read);
  if (const InstructionReader reader = ReaderOf(format)) {
    ARENA_RETURN_IF_ERROR(ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
      return Deliver(reader(row), source.name, row, log, sink);
    }));
  } else {
    const bool is_csv = format == InstructionFormat::kCsv;
    const NamedRowsOptions named{is_csv, kInstructionFields, options.columns};
    ARENA_RETURN_IF_ERROR(ForEachNamedRow(source, named, log, [&](const NamedRow& row) -> Status {
      return Deliver(NamedInstruction(row), source.name, row, log, sink);
    }));
  }
  return log.report();
}

}  // namespace arena
