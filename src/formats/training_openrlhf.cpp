// OpenRLHF with --apply_chat_template: every member is a list of messages.
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"
#include "formats/internal/training_writers.h"

namespace arena {

Json OpenRlhfRow(TrainingKind kind, const TrainingExample& example) {
  switch (kind) {
    case TrainingKind::kSft:
      return {{"input", MessagesJson(Answered(example.prompt, example.answer))}};
    case TrainingKind::kDpo:
    case TrainingKind::kRewardModel:
      return {{"prompt", MessagesJson(example.prompt)},
              {"chosen", AssistantTurn(example.answer)},
              {"rejected", RejectedTurn(example)},
              {"margin", NumberJson(example.margin)}};
    case TrainingKind::kKto:
      return {{"output", MessagesJson(Answered(example.prompt, example.answer))},
              {"label", example.is_desirable ? 1 : 0}};
    case TrainingKind::kPpo:
      return {{"input", MessagesJson(example.prompt)}};
  }
  return {};
}

}  // namespace arena
