#include "cli/flywheel_config.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace arena {
namespace {

// A trainer's settings: strings, numbers and truth values, as text.
void ReadTraining(TableReader& table, const std::string& what, TrainingSettings& settings) {
  const toml::table* values = table.Table(what);
  if (values == nullptr) return;
  for (const auto& [key, value] : *values) {
    std::string& text = settings[std::string(key.str())];
    if (const auto* word = value.as_string()) {
      text = word->get();
    } else if (const auto* truth = value.as_boolean()) {
      text = truth->get() ? "true" : "false";
    } else if (const auto* count = value.as_integer()) {
      text = std::to_string(count->get());
    } else if (const auto* number = value.as_floating_point()) {
      text = fmt::format("{}", number->get());
    } else {
      table.Note(&value, fmt::format("{}{}.{} must be a string, a number, true or false",
                                     table.path(), what, key.str()));
    }
  }
}

void ReadSettings(TableReader& table, FlywheelSettings& flywheel) {
  table.Read("iterations", flywheel.iterations);
  table.Read("sft_prompts", flywheel.sft_prompts);
  table.Read("dpo_prompts", flywheel.dpo_prompts);
  table.Read("ppo_prompts", flywheel.ppo_prompts);
  table.Read("test_prompts", flywheel.test_prompts);
  constexpr std::array<std::string_view, 2> kSplits = {"test", "dev"};
  std::string split = flywheel.evaluate_on_dev ? "dev" : "test";
  table.ReadName("evaluate_on", kSplits, OneOf(kSplits), split);
  flywheel.evaluate_on_dev = split == "dev";
  table.Read("k", flywheel.k);
  table.Read("pair_k", flywheel.pair_k);
  table.Read("min_score", flywheel.min_score);
  table.Read("stages", flywheel.stages);
  constexpr std::array<std::string_view, 4> kRules = {"battles", "random", "length", "difficulty"};
  table.ReadName("select_by", kRules, ParseSelectionRule, flywheel.select_by);
  table.Read("select_size", flywheel.select_size);
  std::string replay;
  table.Read("replay", replay);
  if (!replay.empty()) {
    const auto parsed = ParseReplay(replay);
    if (parsed.ok()) {
      flywheel.replay = *parsed;
    } else {
      table.NoteKey("replay", parsed.error().message);
    }
  }
  constexpr std::array<std::string_view, 3> kRegressions = {"keep", "roll-back", "stop"};
  table.ReadName("on_regression", kRegressions, ParseRegressionRule, flywheel.on_regression);
  table.Read("controls", flywheel.controls);
  table.Read("own_samples", flywheel.own_samples);
  table.Read("max_new_tokens", flywheel.max_new_tokens);
  table.Read("families", flywheel.families);
  table.Read("graded", flywheel.graded);
  table.Read("scale", flywheel.scale);
  table.Read("rivals", flywheel.rivals);
  table.ReadPath("cache", flywheel.cache);
  std::int64_t workers = flywheel.workers;
  table.ReadAtLeast("workers", 1, workers);
  flywheel.workers = static_cast<unsigned>(workers);
  table.With("training", [&flywheel](TableReader& training) {
    for (const std::string& what : training.Keys()) {
      ReadTraining(training, what, flywheel.training[what]);
    }
  });
}

}  // namespace

void ReadFlywheelTable(TableReader& table, bool fast, FlywheelSettings& flywheel) {
  ReadSettings(table, flywheel);
  FlywheelSettings changed = flywheel;
  table.With("fast", [&changed](TableReader& changes) { ReadSettings(changes, changed); });
  if (fast) flywheel = std::move(changed);
}

}  // namespace arena
