// From a configuration to the objects that play.
#pragma once

#include <memory>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "chat/recorded.h"
#include "cli/config.h"
#include "cli/network.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"
#include "judge/llm_judge.h"
#include "store/store.h"

namespace arena {

/// Streams the instructions of all files, in order. A row that is not valid is an error.
Status StreamInstructions(const InstructionsConfig& config,
                          FunctionRef<Status(Instruction&&)> sink);

Result<std::unique_ptr<RecordedContestant>> MakeRecorded(const ContestantConfig& config);
/// Who answers: a contestant, or the model that an LLM judge asks. One behind an endpoint asks
/// through `network`, which must outlive it; so it is for the others below.
Result<std::unique_ptr<ChatModel>> MakeChatModel(const ContestantConfig& config, Network& network);
Result<std::vector<std::unique_ptr<ChatModel>>> MakeContestants(const Config& config,
                                                                Network& network);
/// The templates of a judge of kind "llm".
Status LoadTemplates(const LlmJudgeConfig& config, LlmJudgeOptions& options);
Result<std::unique_ptr<Judge>> MakeJudge(const JudgeConfig& config, Network& network);

/// Opens an existing store for reading; the error for a missing one says how to make it.
Result<std::unique_ptr<Store>> OpenStoreForReading(const std::string& where);

}  // namespace arena
