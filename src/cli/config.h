// arena.toml: what it may say, read and checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "battle/pairing.h"
#include "chat/local_contestant.h"
#include "cli/endpoint_config.h"
#include "core/battle.h"
#include "curate/curation_settings.h"
#include "flywheel/loop_settings.h"
#include "flywheel/stage_tools.h"
#include "formats/answers.h"
#include "formats/pool.h"
#include "judge/command_judge.h"
#include "judge/jury.h"
#include "judge/local_judge.h"
#include "judge/reference_judge.h"
#include "judge/verdict_parser.h"

namespace arena {

/// [instructions]
struct InstructionsConfig {
  InstructionFormat format = InstructionFormat::kJsonl;
  std::vector<std::filesystem::path> files;  ///< absolute, or relative to the working directory
  std::map<std::string, std::string> columns;
  std::vector<std::string> categories;
  std::int64_t sample = 0;
};

/// [[contestant]]
struct ContestantConfig {
  std::string name;
  std::string family;
  std::string kind = "recorded";
  AnswerFormat format = AnswerFormat::kJsonl;
  std::filesystem::path file;
  std::string model;  ///< the name inside the file; empty: `name`
  std::map<std::string, std::string> columns;
  LocalContestant::Options local;  ///< of kind "local"
  EndpointConfig endpoint;         ///< of the kinds "openai", "anthropic", "ollama"
};

/// [judge] of kind "llm"
struct LlmJudgeConfig {
  std::string name = "llm";
  std::string family;
  std::string where = "pair-scores";               ///< a built-in template, or a file
  std::map<std::string, std::string> by_category;  ///< the same for some categories
  std::string fastchat_type = "pairwise";
  std::int64_t samples = 1;
  bool repair = true;
  bool json = false;
  bool schema = false;  ///< the endpoint is given the schema of the JSON object
  VerdictReading reading = VerdictReading::kTolerant;
  std::int64_t games_at_once = 32;
  ContestantConfig model;  ///< [judge.model]: who is asked
};

/// [judge], and each [[judge.member]] of a jury
struct JudgeConfig {
  std::string kind = "reference";
  LocalJudgeOptions local;          ///< of kind "logprob", "single-score", "reward_model"
  ReferenceJudgeOptions reference;  ///< of kind "reference"
  /// [judge.match_by_category]: category -> match; the other categories take reference.match.
  std::map<std::string, ReferenceMatch> match_by_category;
  LlmJudgeConfig llm;           ///< of kind "llm"
  CommandJudgeOptions command;  ///< of kind "command"
  JuryOptions jury;             ///< of kind "jury"
  std::vector<JudgeConfig> members;
};

/// [curate]
struct CurateConfig {
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> benchmarks;
  std::vector<std::filesystem::path> test_sets;
  std::filesystem::path unsafe_patterns;  ///< empty: none
  std::optional<TextEndpointConfig> moderation;
  std::optional<TextEndpointConfig> embedding;
  std::filesystem::path embedding_checkpoint;  ///< in its place; neither: the built-in embedding
  CurationSettings settings;
  PoolReadOptions read;
};

/// [flywheel.server]: what makes a checkpoint answer.
struct FlywheelServerConfig {
  EndpointServerOptions options;  ///< without the endpoint, the log folder and make_model
  EndpointConfig endpoint;        ///< its address and model hold placeholders
};

/// The whole file. Every path is resolved against the folder of the file.
struct Config {
  std::filesystem::path file;
  std::filesystem::path store;
  std::int64_t seed = 1;
  InstructionsConfig instructions;
  EndpointConfigs endpoints;  ///< [endpoint.NAME]
  std::vector<ContestantConfig> contestants;
  JudgeConfig judge;
  PairingOptions pairing;
  std::int64_t threads = 0;
  std::int64_t batch_rows = 1000;
  std::int64_t batch_ms = 200;
  OutcomeOptions outcome;
  CurateConfig curate;
  FlywheelSettings flywheel;                              ///< its seed is `seed`
  std::optional<CommandTrainerOptions> flywheel_trainer;  ///< [flywheel.trainer]; none: arena-lm
  std::optional<FlywheelServerConfig> flywheel_server;    ///< none: arena-lm
};

/// One thing that is wrong in a file, and what to do about it.
struct ConfigFinding {
  std::string where;  ///< "arena.toml:12" or "arena.toml"
  std::string message;
};

/// A config, or what is wrong with it. `config` is usable when `findings` is empty.
struct LoadedConfig {
  Config config;
  std::vector<ConfigFinding> findings;
};

/// Reads and checks `file` (empty: nothing but the defaults). `overrides` are "table.key=value"
/// with TOML values (a bare word is a string); they win over the file. Error: the file cannot be
/// read. Syntax errors, unknown keys (with the nearest known one), wrong types and unknown names
/// are findings, with their lines. `fast`: [flywheel.fast] counts.
Result<LoadedConfig> LoadConfig(const std::filesystem::path& file,
                                const std::vector<std::string>& overrides, bool fast = false);

/// The same, with findings turned into one error that lists them.
Result<Config> LoadValidConfig(const std::filesystem::path& file,
                               const std::vector<std::string>& overrides, bool fast = false);

}  // namespace arena
