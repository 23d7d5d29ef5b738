// LLaMA-Factory: ShareGPT rows (Alpaca rows for prompts, which its ShareGPT reader refuses) and the
// dataset_info.json that names their columns.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "formats/internal/training_writers.h"

namespace arena {
namespace {

Json ShareGptInfo(std::string_view file_name, TrainingKind kind) {
  Json info = {{"file_name", file_name}, {"formatting", "sharegpt"}};
  if (IsPreference(kind)) info["ranking"] = true;
  info["columns"] = {{"messages", "conversations"}, {"system", "system"}};
  if (IsPreference(kind)) {
    info["columns"]["chosen"] = "chosen";
    info["columns"]["rejected"] = "rejected";
  }
  if (kind == TrainingKind::kKto) info["columns"]["kto_tag"] = "kto_tag";
  info["tags"] = {{"role_tag", "from"},
                  {"content_tag", "value"},
                  {"user_tag", "human"},
                  {"assistant_tag", "gpt"}};
  return info;
}

Json AlpacaInfo(std::string_view file_name) {
  return {{"file_name", file_name},
          {"formatting", "alpaca"},
          {"columns",
           {{"prompt", "instruction"},
            {"query", "input"},
            {"response", "output"},
            {"system", "system"},
            {"history", "history"}}}};
}

}  // namespace

Json LlamaFactoryRow(TrainingKind kind, const TrainingExample& example) {
  return kind == TrainingKind::kPpo ? AlpacaRow(kind, example) : ShareGptRow(kind, example);
}

Result<std::string> LlamaFactoryDatasetInfo(std::string_view existing, std::string_view name,
                                            std::string_view file_name, TrainingKind kind) {
  Json datasets = Json::object();
  if (!existing.empty()) {
    ARENA_ASSIGN_OR_RETURN(datasets, ParseJson(existing));
    if (!datasets.is_object()) return InvalidInput("it is not a JSON object of datasets");
  }
  datasets[std::string(name)] =
      kind == TrainingKind::kPpo ? AlpacaInfo(file_name) : ShareGptInfo(file_name, kind);
  return DumpJson(datasets, 2) + "\n";
}

}  // namespace arena
