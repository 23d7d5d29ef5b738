// OpenAI chat JSONL: {"messages": [{"role", "content"}, ...]}.
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"
#include "formats/internal/training_writers.h"

namespace arena {

Json MessagesRow(TrainingKind kind, const TrainingExample& example) {
  return {{"messages",
           MessagesJson(kind == TrainingKind::kPpo ? example.prompt
                                                   : Answered(example.prompt, example.answer))}};
}

}  // namespace arena
