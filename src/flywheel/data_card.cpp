#include "flywheel/data_card.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace arena {
namespace {

Json SummaryJson(const CardSummary& summary) {
  return {{"count", summary.count},
          {"min", summary.min},
          {"median", summary.median},
          {"mean", summary.mean},
          {"max", summary.max}};
}

Json SettingsJson(const SelectionSettings& settings) {
  Json json;
  json["target"] = settings.target;
  json["rivals"] = settings.rivals;
  json["judge"] = settings.judge;
  json["category"] = settings.category;
  json["for"] = TrainingKindName(settings.kind);
  json["format"] = TrainerFormatName(settings.format);
  json["by"] = SelectionRuleName(settings.by);
  if (settings.by == SelectionRule::kClusters) json["clusters"] = settings.clusters;
  json["k"] = settings.k;
  json["rival_choice"] = RivalChoiceName(settings.rival_choice);
  json["pairs"] = PairChoiceName(settings.pairs);
  json["floor"] = settings.floor;
  json["min_score"] = settings.min_score;
  json["disagreement"] = DisagreementRuleName(settings.disagreement);
  json["disagreement_weight"] = settings.disagreement_weight;
  json["size"] = settings.size;
  json["seed"] = settings.seed;
  json["replay"] = settings.replay ? Json(*settings.replay) : Json("all");
  json["with_reasoning"] = settings.with_reasoning;
  return json;
}

Json CountsJson(const std::vector<std::pair<std::string, std::int64_t>>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

Json PairsJson(const std::vector<CardPair>& pairs) {
  Json json = Json::array();
  for (const CardPair& pair : pairs) {
    json.push_back({{"a", pair.a},
                    {"b", pair.b},
                    {"battles", pair.battles},
                    {"a_won", pair.a_won},
                    {"tied", pair.tied},
                    {"b_won", pair.b_won},
                    {"void", pair.voided},
                    {"selected", pair.selected}});
  }
  return json;
}

Json CategoriesJson(const std::vector<CardCategory>& categories) {
  Json json = Json::array();
  for (const CardCategory& category : categories) {
    json.push_back({{"category", category.category},
                    {"battles", category.battles},
                    {"selected", category.selected}});
  }
  return json;
}

Json FilesJson(const DataCard& card) {
  Json inputs = Json::array();
  inputs.push_back({{"use", "battles"}, {"hash", card.store_hash}, {"rows", card.battles}});
  for (const CardInput& input : card.inputs) {
    inputs.push_back(
        {{"use", input.use}, {"name", input.name}, {"hash", input.hash}, {"rows", input.rows}});
  }
  Json outputs = Json::array();
  for (const CardOutput& output : card.outputs) {
    outputs.push_back({{"name", output.name},
                       {"rows", output.rows},
                       {"bytes", output.bytes},
                       {"hash", output.hash}});
  }
  return {{"inputs", std::move(inputs)}, {"outputs", std::move(outputs)}};
}

Json TestSetJson(const DataCard& card) {
  if (!card.has_test_set) return nullptr;
  return {{"instructions", card.test_instructions},
          {"overlap_removed", card.overlap_removed},
          {"overlap", card.overlap_left}};
}

Json LengthsJson(const DataCard& card) {
  return {{"prompt_characters", SummaryJson(card.prompt_characters)},
          {"prompt_tokens", SummaryJson(card.prompt_tokens)},
          {"answer_characters", SummaryJson(card.answer_characters)},
          {"answer_tokens", SummaryJson(card.answer_tokens)},
          {"rejected_characters", SummaryJson(card.rejected_characters)},
          {"rejected_tokens", SummaryJson(card.rejected_tokens)}};
}

}  // namespace

CardSummary Summarise(std::vector<double> numbers) {
  CardSummary summary;
  if (numbers.empty()) return summary;
  std::sort(numbers.begin(), numbers.end());
  summary.count = static_cast<std::int64_t>(numbers.size());
  summary.min = numbers.front();
  summary.median = numbers[(numbers.size() - 1) / 2];
  summary.mean =
      std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
  summary.max = numbers.back();
  return summary;
}

Json CardJson(const DataCard& card) {
  Json json;
  json["version"] = 1;
  json["settings"] = SettingsJson(card.settings);
  json["judge"] = card.judge;
  json["battles"] = card.battles;
  json["selected"] = card.selected;
  json["rows"] = card.rows;
  json["instructions"] = card.instructions;
  json["instructions_selected"] = card.instructions_selected;
  json["dropped"] = CountsJson(card.dropped);
  json["pairs"] = PairsJson(card.pairs);
  json["categories"] = CategoriesJson(card.categories);
  json["answers_from"] = CountsJson(card.answers_from);
  json["lengths"] = LengthsJson(card);
  json["margin"] = SummaryJson(card.margin);
  json["difficulty"] = SummaryJson(card.difficulty);
  json["difficulty_selected"] = SummaryJson(card.difficulty_selected);
  json["test_set"] = TestSetJson(card);
  json["earlier"] = {{"rows", card.earlier.rows},
                     {"kept", card.earlier.kept},
                     {"not_drawn", card.earlier.not_drawn},
                     {"repeated", card.earlier.repeated},
                     {"in_test_set", card.earlier.in_test_set}};
  json.update(FilesJson(card));
  return json;
}

}  // namespace arena
