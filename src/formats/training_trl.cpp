// TRL: the conversational form (lists of messages) and the standard one (plain text).
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "formats/internal/export_writers.h"
#include "formats/internal/training_writers.h"

namespace arena {
namespace {

// The members that both forms have; a reward model's prompt is within both of its conversations.
Json Row(TrainingKind kind, const TrainingExample& example, Json prompt, Json answer,
         Json rejected) {
  switch (kind) {
    case TrainingKind::kSft:
      return {{"prompt", std::move(prompt)}, {"completion", std::move(answer)}};
    case TrainingKind::kDpo:
      return {{"prompt", std::move(prompt)},
              {"chosen", std::move(answer)},
              {"rejected", std::move(rejected)},
              {"margin", NumberJson(example.margin)}};
    case TrainingKind::kRewardModel:
      return {{"chosen", std::move(answer)},
              {"rejected", std::move(rejected)},
              {"margin", NumberJson(example.margin)}};
    case TrainingKind::kKto:
      return {{"prompt", std::move(prompt)},
              {"completion", std::move(answer)},
              {"label", example.is_desirable}};
    case TrainingKind::kPpo:
      return {{"prompt", std::move(prompt)}};
  }
  return {};
}

std::string_view Speaker(Role role) {
  switch (role) {
    case Role::kSystem:
      return "System";
    case Role::kUser:
      return "User";
    case Role::kAssistant:
      return "Assistant";
  }
  return "";
}

// As the built-in chat template `plain` writes it. A completion begins with its space.
std::string PlainPrompt(const Conversation& prompt) {
  std::string text;
  for (const Message& message : prompt) {
    text.append(Speaker(message.role)).append(": ").append(message.content).append("\n\n");
  }
  return text + "Assistant:";
}

}  // namespace

Json TrlRow(TrainingKind kind, const TrainingExample& example) {
  Json answer = AssistantTurn(example.answer);
  Json rejected = RejectedTurn(example);
  if (kind == TrainingKind::kRewardModel) {
    for (Json* side : {&answer, &rejected}) {
      Json conversation = MessagesJson(example.prompt);
      conversation.push_back(std::move(side->back()));
      *side = std::move(conversation);
    }
  }
  return Row(kind, example, MessagesJson(example.prompt), std::move(answer), std::move(rejected));
}

Json TrlPlainRow(TrainingKind kind, const TrainingExample& example) {
  const std::string prompt = PlainPrompt(example.prompt);
  const std::string before = kind == TrainingKind::kRewardModel ? prompt + " " : " ";
  return Row(kind, example, prompt, before + example.answer, before + example.rejected);
}

}  // namespace arena
