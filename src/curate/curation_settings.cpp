#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "curate/curation.h"

namespace arena {
namespace {

constexpr std::array<std::pair<CurationStep, std::string_view>, 9> kStepNames = {{
    {CurationStep::kUnsafe, "unsafe"},
    {CurationStep::kLength, "length"},
    {CurationStep::kExact, "exact"},
    {CurationStep::kPrefix, "prefix"},
    {CurationStep::kNear, "near"},
    {CurationStep::kTestSet, "test_set"},
    {CurationStep::kNeighbours, "neighbours"},
    {CurationStep::kOverlap, "overlap"},
    {CurationStep::kLanguage, "language"},
}};

constexpr std::array<std::pair<Stratify, std::string_view>, 3> kStratifyNames = {{
    {Stratify::kNone, "none"},
    {Stratify::kCategory, "category"},
    {Stratify::kSource, "source"},
}};

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value value) {
  for (const auto& [entry, name] : table) {
    if (entry == value) return name;
  }
  return "";
}

template <typename Table>
auto ValueIn(const Table& table, std::string_view wanted)
    -> std::optional<decltype(table.front().first)> {
  for (const auto& [entry, name] : table) {
    if (name == wanted) return entry;
  }
  return std::nullopt;
}

}  // namespace

std::string_view CurationStepName(CurationStep step) { return NameIn(kStepNames, step); }
std::optional<CurationStep> ParseCurationStep(std::string_view name) {
  return ValueIn(kStepNames, name);
}
std::string_view StratifyName(Stratify stratify) { return NameIn(kStratifyNames, stratify); }
std::optional<Stratify> ParseStratify(std::string_view name) {
  return ValueIn(kStratifyNames, name);
}

Json StepSettingsJson(CurationStep step, const CurationSettings& s) {
  switch (step) {
    case CurationStep::kUnsafe:
      return {{"unsafe_flags", s.unsafe.flags},
              {"unsafe_patterns_hash",
               s.unsafe.patterns != nullptr ? Json(s.patterns_hash.Hex()) : Json()},
              {"moderation", s.moderation.empty() ? Json() : Json(s.moderation)}};
    case CurationStep::kLength:
      return {{"length_unit", LengthUnitName(s.length.unit)},
              {"min_length", s.length.least},
              {"max_length", s.length.most}};
    case CurationStep::kExact:
      return {{"keep", KeepPolicyName(s.keep)}};
    case CurationStep::kPrefix:
      return {{"keep", KeepPolicyName(s.keep)},
              {"prefix_unit", ShingleUnitName(s.prefix.unit)},
              {"prefix_size", s.prefix.size}};
    case CurationStep::kNear:
      return {{"keep", KeepPolicyName(s.keep)},
              {"near_threshold", s.near.near.threshold},
              {"near_unit", ShingleUnitName(s.near.shingles.unit)},
              {"near_size", s.near.shingles.size},
              {"near_permutations", s.near.near.permutations},
              {"near_false_positive_weight", s.near.near.false_positive_weight},
              {"near_bands", BandsOf(s.near.near).bands},
              {"near_rows", BandsOf(s.near.near).rows},
              {"near_curve", s.near.curve_thresholds},
              {"seed", s.near.near.seed}};
    case CurationStep::kTestSet:
      return {{"test_similarity", s.test_similarity},
              {"near_unit", ShingleUnitName(s.near.shingles.unit)},
              {"near_size", s.near.shingles.size}};
    case CurationStep::kNeighbours:
      return {{"embedding", s.embedding.empty() ? Json("built-in") : Json(s.embedding)},
              {"neighbours", s.neighbours.neighbours},
              {"neighbour_similarity", s.neighbours.least_similarity},
              {"seed", s.split.seed}};
    case CurationStep::kOverlap:
      return {{"overlap_size", s.overlap.size}, {"overlap_shortest", s.overlap.shortest}};
    case CurationStep::kLanguage:
      return {{"languages", s.language.keep},
              {"language_confidence", s.language.confidence},
              {"keep_unknown_language", s.language.keep_unknown}};
  }
  return {};
}

Json SettingsJson(const CurationSettings& settings) {
  Json json = Json::object();
  json["steps"] = Json::array();
  for (const CurationStep step : settings.steps) json["steps"].push_back(CurationStepName(step));
  for (const CurationStep step : settings.steps) {
    json.update(StepSettingsJson(step, settings));
  }
  json["shards"] = settings.split.shards;
  json["d0_size"] = settings.split.d0_size;
  json["stratify"] = StratifyName(settings.stratify);
  json["seed"] = settings.split.seed;
  return json;
}

}  // namespace arena
