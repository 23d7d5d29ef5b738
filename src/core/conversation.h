// Messages and conversations: what contestants are asked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"

namespace arena {

enum class Role { kSystem, kUser, kAssistant };

std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

struct Message {
  Role role = Role::kUser;
  std::string content;
  bool operator==(const Message&) const = default;
};

/// Messages, never rendered text: templates belong to whoever answers.
using Conversation = std::vector<Message>;

/// [{"role": ..., "content": ...}, ...], as OpenAI's requests and training rows have it.
Json MessagesJson(const Conversation& conversation);

/// Depends on every role and every byte of the content.
Key ConversationKey(const Conversation& conversation);

/// One thing to answer. With several user turns the contestant answers each in order.
struct Instruction {
  Key key;                               ///< ConversationKey(conversation)
  std::string id;                        ///< as in its file, or empty; for people, never a key
  std::string category;                  ///< empty: none
  Conversation conversation;             ///< user turns, and what precedes them
  std::optional<std::string> reference;  ///< the right answer, for judges that use one
  std::string source;                    ///< "FILE:LINE"
};

/// The user turns that `instruction` leaves to answer: those after its last assistant message.
std::size_t OpenTurns(const Instruction& instruction);

/// The instruction's conversation with an answer after each user turn that it leaves open, as far
/// as `turns` goes.
Conversation WithAnswers(const Instruction& instruction, std::span<const std::string> turns);

/// An instruction with the one user turn `text`.
Instruction MakeInstruction(std::string text);

}  // namespace arena
