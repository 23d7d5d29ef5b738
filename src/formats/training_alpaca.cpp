// Alpaca: the last question and its answer by name, earlier exchanges as `history`.
#include <nlohmann/json.hpp>

#include "formats/internal/training_writers.h"

namespace arena {

Json AlpacaRow(TrainingKind kind, const TrainingExample& example) {
  const Conversation turns = WithoutSystemPrompt(example.prompt);
  Json row;
  row["instruction"] = turns.back().content;
  row["input"] = "";
  if (IsPreference(kind)) {
    row["chosen"] = example.answer;
    row["rejected"] = example.rejected;
  } else {
    row["output"] = kind == TrainingKind::kPpo ? std::string() : example.answer;
  }
  if (kind == TrainingKind::kKto) row["kto_tag"] = example.is_desirable;
  row["system"] = SystemPrompt(example.prompt);
  row["history"] = Json::array();
  for (std::size_t i = 0; i + 2 < turns.size(); i += 2) {
    row["history"].push_back({turns[i].content, turns[i + 1].content});
  }
  return row;
}

}  // namespace arena
