#include "flywheel/selection_settings.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace arena {
namespace {

template <typename Value, std::size_t N>
using Names = std::array<std::pair<Value, std::string_view>, N>;

constexpr Names<SelectionRule, 7> kRules = {{{SelectionRule::kBattles, "battles"},
                                             {SelectionRule::kRandom, "random"},
                                             {SelectionRule::kLength, "length"},
                                             {SelectionRule::kDifficulty, "difficulty"},
                                             {SelectionRule::kClusters, "clusters"},
                                             {SelectionRule::kIfd, "ifd"},
                                             {SelectionRule::kTags, "tags"}}};
constexpr Names<RivalChoice, 2> kRivalChoices = {
    {{RivalChoice::kBest, "best"}, {RivalChoice::kEach, "each"}}};
constexpr Names<PairChoice, 3> kPairChoices = {
    {{PairChoice::kLosses, "losses"}, {PairChoice::kTarget, "target"}, {PairChoice::kAll, "all"}}};
constexpr Names<DisagreementRule, 3> kDisagreementRules = {
    {{DisagreementRule::kKeep, "keep"},
     {DisagreementRule::kExclude, "exclude"},
     {DisagreementRule::kDownWeight, "down-weight"}}};

template <typename Value, std::size_t N>
std::string_view NameOf(const Names<Value, N>& names, Value wanted) {
  for (const auto& [value, name] : names) {
    if (value == wanted) return name;
  }
  return "";
}

template <typename Value, std::size_t N>
std::optional<Value> ValueOf(const Names<Value, N>& names, std::string_view wanted) {
  for (const auto& [value, name] : names) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

Status CheckNumber(std::string_view name, double value, double most) {
  if (std::isfinite(value) && value >= 0 && value <= most) return {};
  return InvalidInput(most < 1e9
                          ? fmt::format("{} is {}; it must be from 0 to {}", name, value, most)
                          : fmt::format("{} is {}; it must be a number from 0 on", name, value));
}

}  // namespace

std::string_view SelectionRuleName(SelectionRule rule) { return NameOf(kRules, rule); }
std::optional<SelectionRule> ParseSelectionRule(std::string_view name) {
  return ValueOf(kRules, name);
}

std::string_view RivalChoiceName(RivalChoice choice) { return NameOf(kRivalChoices, choice); }
std::optional<RivalChoice> ParseRivalChoice(std::string_view name) {
  return ValueOf(kRivalChoices, name);
}

std::string_view PairChoiceName(PairChoice choice) { return NameOf(kPairChoices, choice); }
std::optional<PairChoice> ParsePairChoice(std::string_view name) {
  return ValueOf(kPairChoices, name);
}

std::string_view DisagreementRuleName(DisagreementRule rule) {
  return NameOf(kDisagreementRules, rule);
}
std::optional<DisagreementRule> ParseDisagreementRule(std::string_view name) {
  return ValueOf(kDisagreementRules, name);
}

Result<std::optional<double>> ParseReplay(std::string_view text) {
  if (text == "all") return std::optional<double>();
  if (text == "none") return std::optional<double>(0);
  double ratio = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ratio);
  if (error == std::errc() && end == text.data() + text.size()) return std::optional<double>(ratio);
  return InvalidInput(fmt::format(
      "\"{}\": write all, none, or how many earlier rows for each new one, such as 0.5", text));
}

Status CheckSettings(const SelectionSettings& settings) {
  if (settings.target.empty()) return InvalidInput("name the contestant that is to be trained");
  ARENA_RETURN_IF_ERROR(CheckTrainerFormat(settings.format, settings.kind));
  constexpr double kNoLimit = 1e18;
  constexpr double kTopScore = 10;
  ARENA_RETURN_IF_ERROR(CheckNumber("k", settings.k, kTopScore));
  ARENA_RETURN_IF_ERROR(CheckNumber("the floor", settings.floor, kTopScore));
  ARENA_RETURN_IF_ERROR(CheckNumber("the lowest score", settings.min_score, kTopScore));
  ARENA_RETURN_IF_ERROR(
      CheckNumber("the weight of a disagreement", settings.disagreement_weight, 1));
  ARENA_RETURN_IF_ERROR(CheckNumber("the ratio of replay", settings.replay.value_or(0), kNoLimit));
  if (settings.clusters < 1) return InvalidInput("there must be at least one cluster");
  if (settings.size < 0) return InvalidInput("the size must not be negative");
  if (settings.by != SelectionRule::kBattles && settings.size == 0) {
    return InvalidInput(fmt::format(
        "selection by {} needs a size: a baseline is compared with another selection of equal size",
        SelectionRuleName(settings.by)));
  }
  for (const std::string& rival : settings.rivals) {
    if (rival == settings.target) {
      return InvalidInput(fmt::format("{} is the target and cannot be its own rival", rival));
    }
  }
  return {};
}

}  // namespace arena
