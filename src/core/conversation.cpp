#include "core/conversation.h"

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

Key ConversationKey(const Conversation& conversation) {
  KeyBuilder builder("conversation");
  for (const Message& message : conversation) {
    builder.Add(RoleName(message.role)).Add(message.content);
  }
  return builder.Build();
}

Instruction MakeInstruction(std::string text) {
  Instruction instruction;
  instruction.conversation.push_back({Role::kUser, std::move(text)});
  instruction.key = ConversationKey(instruction.conversation);
  return instruction;
}

}  // namespace arena
