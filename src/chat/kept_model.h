// A model whose answers are kept in a file, where no store does.
#pragma once

#include <memory>

#include "base/key_log.h"
#include "core/contestant.h"

namespace arena {

/// Asks `model` only for what `kept` does not have; answers that failed are asked for again. Of a
/// kept answer there are the turns and no usage. Models whose answers depend on what is asked
/// together are passed through. References outlive the result, which is thread-safe.
std::unique_ptr<ChatModel> KeepAnswers(ChatModel& model, KeyLog& kept);

}  // namespace arena
