// The answer that ends a conversation.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/conversation.h"

namespace arena {

struct ClosingAnswer {
  Conversation asked;  ///< all before the answer
  std::string answer;
};

/// None where the conversation does not end with an answer that says something.
inline std::optional<ClosingAnswer> SplitClosingAnswer(Conversation conversation) {
  if (conversation.empty() || conversation.back().role != Role::kAssistant ||
      conversation.back().content.empty()) {
    return std::nullopt;
  }
  std::string answer = std::move(conversation.back().content);
  conversation.pop_back();
  return ClosingAnswer{std::move(conversation), std::move(answer)};
}

}  // namespace arena
