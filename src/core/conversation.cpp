#include "core/conversation.h"

#include <nlohmann/json.hpp>

namespace arena {

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
  }
  return "user";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (const Role role : {Role::kSystem, Role::kUser, Role::kAssistant}) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

Json MessagesJson(const Conversation& conversation) {
  Json messages = Json::array();
  for (const Message& message : conversation) {
    messages.push_back({{"role", RoleName(message.role)}, {"content", message.content}});
  }
  return messages;
}

Key ConversationKey(const Conversation& conversation) {
  KeyBuilder builder("conversation");
  for (const Message& message : conversation) {
    builder.Add(RoleName(message.role)).Add(message.content);
  }
  return builder.Build();
}

std::size_t OpenTurns(const Instruction& instruction) {
  std::size_t open = 0;
  for (const Message& message : instruction.conversation) {
    if (message.role == Role::kAssistant) open = 0;
    if (message.role == Role::kUser) ++open;
  }
  return open;
}

Conversation WithAnswers(const Instruction& instruction, std::span<const std::string> turns) {
  const Conversation& asked = instruction.conversation;
  std::size_t first_open = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].role == Role::kAssistant) first_open = i + 1;
  }
  Conversation played;
  std::size_t next = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    played.push_back(asked[i]);
    if (i >= first_open && asked[i].role == Role::kUser && next < turns.size()) {
      played.push_back({Role::kAssistant, turns[next++]});
    }
  }
  return played;
}

Instruction MakeInstruction(std::string text) {
  Instruction instruction;
  instruction.conversation.push_back({Role::kUser, std::move(text)});
  instruction.key = ConversationKey(instruction.conversation);
  return instruction;
}

}  // namespace arena
