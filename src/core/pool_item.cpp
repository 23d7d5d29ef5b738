#include "core/pool_item.h"

namespace arena {

std::string PromptText(const Conversation& conversation) {
  std::string text;
  bool is_first = true;
  for (const Message& message : conversation) {
    if (message.role != Role::kUser) continue;
    if (!is_first) text += '\n';
    is_first = false;
    text += message.content;
  }
  return text;
}

}  // namespace arena
