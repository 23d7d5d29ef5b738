#include "formats/instruction_scores.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "core/conversation.h"
#include "formats/internal/instruction_rows.h"
#include "formats/internal/json_rows.h"
#include "formats/internal/row_log.h"

namespace arena {
namespace {

Result<Conversation> PromptTurns(const JsonRow& row, JsonElement prompt) {
  Conversation turns;
  if (const auto text = JsonString(prompt)) {
    turns.push_back({Role::kUser, std::string(*text)});
    return turns;
  }
  JsonArray texts;
  if (prompt.get(texts) != simdjson::SUCCESS) {
    return row.WrongType("prompt", "text, or a list of texts");
  }
  for (const JsonElement element : texts) {
    const auto text = JsonString(element);
    if (!text) return row.WrongType("prompt", "text, or a list of texts");
    turns.push_back({Role::kUser, std::string(*text)});
  }
  return turns;
}

Result<Key> RowKey(const JsonRow& row) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view hex, row.OptionalString("key"));
  if (!hex.empty()) {
    if (const auto key = Key::FromHex(hex)) return *key;
    return row.WrongType("key", "32 hexadecimal digits");
  }
  if (row.Find("messages")) {
    ARENA_ASSIGN_OR_RETURN(const Instruction instruction, OpenAiInstruction(row));
    return ConversationKey(instruction.conversation);
  }
  ARENA_ASSIGN_OR_RETURN(const JsonElement prompt, row.Need("prompt"));
  ARENA_ASSIGN_OR_RETURN(const Conversation turns, PromptTurns(row, prompt));
  return ConversationKey(turns);
}

// Whether `turns` holds objects, as arena-hard's questions do, and not texts.
bool HasTurnObjects(const JsonRow& row) {
  const auto turns = row.Array("turns");
  return turns.ok() && turns->size() > 0 && turns->at(0).is_object();
}

std::optional<InstructionFormat> FormatOfRow(const JsonRow& row) {
  if (row.Find("messages")) return InstructionFormat::kOpenAi;
  if (row.Find("turns")) {
    return HasTurnObjects(row) ? InstructionFormat::kArenaHard : InstructionFormat::kFastChat;
  }
  if (row.Find("prompt")) {
    return row.Find("uid") ? InstructionFormat::kArenaHard : InstructionFormat::kJsonl;
  }
  if (row.Find("instruction")) return InstructionFormat::kAlpacaEval;
  if (row.Find("question")) return InstructionFormat::kGsm8k;
  return std::nullopt;
}

bool IsCsv(const std::filesystem::path& file) {
  std::filesystem::path plain = file;
  if (plain.extension() == ".gz" || plain.extension() == ".zst") plain = plain.stem();
  return plain.extension() == ".csv";
}

}  // namespace

Result<ReadReport> ReadInstructionScores(const std::filesystem::path& file, std::string_view column,
                                         InstructionScoreSink sink) {
  RowLog log{ReadOptions{}};
  const InputSource source = InputSource::File(file);
  ARENA_RETURN_IF_ERROR(ForEachJsonRow(source, log, [&](const JsonRow& row) -> Status {
    ARENA_ASSIGN_OR_RETURN(const auto score, row.OptionalNumber(column));
    if (!score) return {};
    ARENA_ASSIGN_OR_RETURN(const Key key, RowKey(row));
    return log.Delivered(sink(key, *score));
  }));
  if (log.report().rows > 0) return log.report();
  return InvalidInput(fmt::format("{}: no row has the number \"{}\"", file.string(), column));
}

Result<InstructionFormat> GuessInstructionFormat(const std::filesystem::path& file) {
  if (IsCsv(file)) return InstructionFormat::kCsv;
  RowLog log{ReadOptions{}};
  std::optional<InstructionFormat> format;
  bool has_row = false;
  // The first row is enough: the reading is stopped with an error and told apart by `has_row`.
  const Status read =
      ForEachJsonRow(InputSource::File(file), log, [&](const JsonRow& row) -> Status {
        has_row = true;
        format = FormatOfRow(row);
        return Cancelled("enough");
      });
  if (!has_row && !read.ok()) return read.error();
  if (format) return *format;
  return InvalidInput(fmt::format(
      "{}: no instructions are known by the members of its first row; rows need \"messages\", "
      "\"prompt\", \"turns\", \"instruction\" or \"question\"",
      file.string()));
}

}  // namespace arena
