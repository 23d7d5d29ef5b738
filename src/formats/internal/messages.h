// Messages inside JSON rows. Includes simdjson: for the .cpp files of this folder only.
#pragma once

#include "base/result.h"
#include "core/conversation.h"
#include "formats/internal/json_rows.h"

namespace arena {

/// {"role", "content"}. Content is text or a list of parts of the type "text". Errors: an unknown
/// role, other content.
Result<Message> ReadMessage(const JsonRow& row, JsonElement element);

/// ShareGPT's {"from", "value"}, where "human" is the user and "gpt" the assistant. Errors as
/// above.
Result<Message> ReadShareGptMessage(const JsonRow& row, JsonElement element);

}  // namespace arena
