// ShareGPT: a conversation of {"from": human|gpt, "value"}, the system prompt beside it.
#include <nlohmann/json.hpp>

#include "formats/internal/training_writers.h"

namespace arena {
namespace {

Json Turn(Role role, const std::string& text) {
  return {{"from", role == Role::kAssistant ? "gpt" : "human"}, {"value", text}};
}

Json Turns(const Conversation& conversation) {
  Json turns = Json::array();
  for (const Message& message : WithoutSystemPrompt(conversation)) {
    turns.push_back(Turn(message.role, message.content));
  }
  return turns;
}

}  // namespace

Json ShareGptRow(TrainingKind kind, const TrainingExample& example) {
  const bool ends_with_prompt = IsPreference(kind) || kind == TrainingKind::kPpo;
  Json row;
  row["conversations"] =
      Turns(ends_with_prompt ? example.prompt : Answered(example.prompt, example.answer));
  if (IsPreference(kind)) {
    row["chosen"] = Turn(Role::kAssistant, example.answer);
    row["rejected"] = Turn(Role::kAssistant, example.rejected);
  }
  if (kind == TrainingKind::kKto) row["kto_tag"] = example.is_desirable;
  row["system"] = SystemPrompt(example.prompt);
  return row;
}

}  // namespace arena
