// What the writers of training data share. One .cpp file a format.
#pragma once

#include "base/json.h"
#include "formats/training_export.h"

namespace arena {

Json MessagesRow(TrainingKind kind, const TrainingExample& example);
Json ShareGptRow(TrainingKind kind, const TrainingExample& example);
Json AlpacaRow(TrainingKind kind, const TrainingExample& example);
Json TrlRow(TrainingKind kind, const TrainingExample& example);
Json TrlPlainRow(TrainingKind kind, const TrainingExample& example);
Json OpenRlhfRow(TrainingKind kind, const TrainingExample& example);
Json LlamaFactoryRow(TrainingKind kind, const TrainingExample& example);

/// [{"role": "assistant", "content": text}]
Json AssistantTurn(const std::string& text);

/// The same of the rejected answer, with "cut": true where it is.
Json RejectedTurn(const TrainingExample& example);

/// The prompt followed by the answer.
Conversation Answered(const Conversation& prompt, const std::string& answer);

/// The text of a system prompt that stands first, else empty.
std::string SystemPrompt(const Conversation& prompt);
/// The prompt without a system prompt that stands first.
Conversation WithoutSystemPrompt(const Conversation& prompt);

}  // namespace arena
