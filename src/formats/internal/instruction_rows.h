// What the readers of instructions share. Includes simdjson: for the .cpp files of this folder
// only.
#pragma once

#include "base/result.h"
#include "core/conversation.h"
#include "formats/internal/json_rows.h"
#include "formats/internal/named_rows.h"

namespace arena {

/// The readers of one row each. They leave key and source to the caller, which also checks that the
/// conversation is one that can be answered.
Result<Instruction> FastChatInstruction(const JsonRow& row);
Result<Instruction> ArenaHardInstruction(const JsonRow& row);
Result<Instruction> AlpacaEvalInstruction(const JsonRow& row);
Result<Instruction> Gsm8kInstruction(const JsonRow& row);
Result<Instruction> OpenAiInstruction(const JsonRow& row);
Result<Instruction> NamedInstruction(const NamedRow& row);

}  // namespace arena
