#include "formats/internal/messages.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace arena {
namespace {

// A message's content: a string, or parts of type "text".
Result<std::string> ContentText(const JsonRow& row, JsonElement content) {
  if (const auto text = JsonString(content)) return std::string(*text);
  JsonArray parts;
  if (content.get(parts) != simdjson::SUCCESS) {
    return row.Fail("the content of a message should be text, or a list of text parts");
  }
  std::string joined;
  for (const JsonElement part : parts) {
    const auto text = JsonStringMember(part, "text");
    if (JsonStringMember(part, "type") != "text" || !text) {
      return row.Fail("a part of a message is not text; only text can be asked");
    }
    joined += *text;
  }
  return joined;
}

std::optional<Role> ParseShareGptRole(std::string_view name) {
  if (name == "human") return Role::kUser;
  if (name == "gpt") return Role::kAssistant;
  return ParseRole(name);
}

}  // namespace

Result<Message> ReadMessage(const JsonRow& row, JsonElement element) {
  const auto name = JsonStringMember(element, "role");
  if (!name) return row.Fail("a message has no \"role\"");
  const auto role = ParseRole(*name);
  if (!role) {
    return row.Fail(
        fmt::format("\"{}\" is not a role; known are system, user and assistant", *name));
  }
  JsonElement content;
  if (element["content"].get(content) != simdjson::SUCCESS) {
    return row.Fail("a message has no \"content\"");
  }
  ARENA_ASSIGN_OR_RETURN(std::string text, ContentText(row, content));
  return Message{*role, std::move(text)};
}

Result<Message> ReadShareGptMessage(const JsonRow& row, JsonElement element) {
  const auto name = JsonStringMember(element, "from");
  if (!name) return row.Fail("a message has no \"from\"");
  const auto role = ParseShareGptRole(*name);
  if (!role) {
    return row.Fail(
        fmt::format("\"{}\" is no one who speaks; known are system, human and gpt "
                    "(user and assistant)",
                    *name));
  }
  const auto text = JsonStringMember(element, "value");
  if (!text) return row.Fail("a message has no \"value\" that is text");
  return Message{*role, std::string(*text)};
}

}  // namespace arena
