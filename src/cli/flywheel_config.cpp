#include "cli/flywheel_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest.h"

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
  constexpr std::array<std::string_view, 7> kRules = {"battles",  "random", "length", "difficulty",
                                                      "clusters", "ifd",    "tags"};
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
  table.Read("max_failures", flywheel.max_failures);
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

// The user's models and instructions, in place of the mini world. The contestants are the rivals.
void ReadOwnModels(TableReader& table, const Config& config, FlywheelSettings& flywheel) {
  table.ReadPath("base", flywheel.base);
  table.ReadPath("reward_base", flywheel.reward_base);
  table.ReadPaths("start", flywheel.start);
  table.ReadPaths("test", flywheel.test_files);
  table.ReadPaths("scores", flywheel.score_files);
  if (!HasOwnModels(flywheel)) {
    for (const char* key : {"reward_base", "start", "test", "scores"}) {
      if (table.Has(key)) table.NoteKey(key, "needs base = \"DIR\": a checkpoint to improve");
    }
    return;
  }
  for (const char* key : {"families", "graded", "scale", "rivals"}) {
    if (table.Has(key)) table.NoteKey(key, "is of the mini world: leave it out where base is set");
  }
  flywheel.rivals.clear();
  for (const ContestantConfig& rival : config.contestants) flywheel.rivals.push_back(rival.name);
}

void ReadEnvironment(TableReader& table, std::vector<std::string>& environment) {
  std::map<std::string, std::string> variables;
  table.Read("environment", variables);
  for (const auto& [name, value] : variables) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
}

// Placeholders that `texts` has and nobody fills in, "{nmae}".
void CheckPlaceholders(TableReader& table, std::string_view key,
                       const std::vector<std::string>& texts,
                       std::span<const std::string_view> known) {
  for (const std::string& text : texts) {
    for (auto open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
      const auto close = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
      if (close == std::string::npos || text[close] != '}' || close == open + 1) continue;
      const std::string name = text.substr(open + 1, close - open - 1);
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto near = NearestName(name, known);
      table.NoteKey(key, fmt::format("has {{{}}}, which is unknown{}; known: {{{}}}", name,
                                     near ? fmt::format(", did you mean {{{}}}?", *near) : "",
                                     fmt::join(known, "}, {")));
    }
  }
}

void ReadTrainer(TableReader& table, const Config& config, CommandTrainerOptions& trainer) {
  std::vector<std::string> command;
  table.Read("command", command);
  CheckPlaceholders(table, "command", command, kTrainerPlaceholders);
  for (const char* name : {"sft", "dpo", "rm", "ppo"}) {
    std::vector<std::string> own = command;
    table.Read(name, own);
    if (table.Has(name)) CheckPlaceholders(table, name, own, kTrainerPlaceholders);
    if (own.empty()) {
      table.Note(nullptr,
                 fmt::format("{0}command or {0}{1} must name a program", table.path(), name));
    }
    trainer.commands[name] = own;
  }
  ReadEnvironment(table, trainer.environment);
  trainer.folder = config.file.parent_path();
  std::int64_t timeout_s = trainer.timeout.count();
  table.ReadAtLeast("timeout_s", 1, timeout_s);
  trainer.timeout = std::chrono::seconds(timeout_s);
  table.ReadAtLeast("attempts", 1, trainer.attempts);
  table.Read("outputs", trainer.outputs);
}

void ReadServer(TableReader& table, const Config& config, FlywheelServerConfig& server) {
  std::string kind = "openai";
  table.ReadName("kind", kEndpointKinds, OneOf(kEndpointKinds), kind);
  server.endpoint = ReadEndpointModel(table, kind, config.endpoints, "[flywheel.server]");
  EndpointServerOptions& options = server.options;
  table.Read("command", options.command);
  ReadEnvironment(table, options.environment);
  options.folder = config.file.parent_path();
  table.Read("health", options.health);
  if (options.health.empty()) {
    table.Note(nullptr, fmt::format("{}health must be an address that answers 200 when the model "
                                    "is there, as in \"http://127.0.0.1:{{port}}/health\"",
                                    table.path()));
  }
  std::int64_t patience_s = options.patience.count();
  table.ReadAtLeast("patience_s", 1, patience_s);
  options.patience = std::chrono::seconds(patience_s);
  CheckPlaceholders(table, "command", options.command, kServerPlaceholders);
  CheckPlaceholders(table, "health", {options.health}, kServerPlaceholders);
  CheckPlaceholders(table, "base_url", {server.endpoint.model.base_url}, kServerPlaceholders);
  CheckPlaceholders(table, "model", {server.endpoint.model.model}, kServerPlaceholders);
}

}  // namespace

void ReadFlywheelTable(TableReader& table, bool fast, Config& config) {
  FlywheelSettings& flywheel = config.flywheel;
  ReadSettings(table, flywheel);
  ReadOwnModels(table, config, flywheel);
  table.With("trainer", [&config](TableReader& trainer) {
    ReadTrainer(trainer, config, config.flywheel_trainer.emplace());
  });
  table.With("server", [&config](TableReader& server) {
    ReadServer(server, config, config.flywheel_server.emplace());
  });
  FlywheelSettings changed = flywheel;
  table.With("fast", [&changed](TableReader& changes) { ReadSettings(changes, changed); });
  if (fast) flywheel = std::move(changed);
}

}  // namespace arena
