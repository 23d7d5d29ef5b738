#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/file.h"
#include "cli/curate_config.h"
#include "cli/flywheel_config.h"
#include "cli/toml_table.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

template <typename E, std::size_t N>
std::vector<std::string_view> NamesOf(const std::array<E, N>& values,
                                      std::string_view (*name_of)(E)) {
  std::vector<std::string_view> names;
  for (const E value : values) names.push_back(name_of(value));
  return names;
}

const std::vector<std::string_view>& AnswerFormats() {
  static const auto kNames = NamesOf(
      std::array{AnswerFormat::kFastChat, AnswerFormat::kArenaHard, AnswerFormat::kAlpacaEval,
                 AnswerFormat::kGsm8k, AnswerFormat::kJsonl, AnswerFormat::kCsv},
      AnswerFormatName);
  return kNames;
}

const std::vector<std::string_view>& InstructionFormats() {
  static const auto kNames = NamesOf(
      std::array{InstructionFormat::kFastChat, InstructionFormat::kArenaHard,
                 InstructionFormat::kAlpacaEval, InstructionFormat::kGsm8k,
                 InstructionFormat::kOpenAi, InstructionFormat::kJsonl, InstructionFormat::kCsv},
      InstructionFormatName);
  return kNames;
}

constexpr std::array<std::string_view, 5> kContestantKinds = {"recorded", "local", "openai",
                                                              "anthropic", "ollama"};
constexpr std::array<std::string_view, 4> kJudgeKinds = {"reference", "logprob", "single-score",
                                                         "reward_model"};
constexpr std::array<std::string_view, 3> kPrecisions = {"auto", "f32", "bf16"};
constexpr std::array<std::string_view, 6> kMatches = {"numeric", "exact", "text",
                                                      "choice",  "edit",  "graded"};

/// Fills a Config from the parsed file.
class ConfigReader {
 public:
  ConfigReader(const toml::table& root, bool fast, LoadedConfig& loaded)
      : root_(root), fast_(fast), config_(loaded.config), findings_(loaded.findings) {}

  void Read() {
    TableReader reader(root_, "", config_.file, findings_);
    With(reader, "arena", [this](TableReader& table) {
      table.ReadPath("store", config_.store);
      table.Read("seed", config_.seed);
    });
    With(reader, "instructions", [this](TableReader& table) { ReadInstructions(table); });
    ReadEndpoints(reader, config_.endpoints);
    ReadContestants(reader);
    With(reader, "judge", [this](TableReader& table) { ReadJudge(table); });
    With(reader, "battle", [this](TableReader& table) { ReadBattle(table); });
    With(reader, "curate", [this](TableReader& table) { ReadCurateTable(table, config_.curate); });
    With(reader, "outcome", [this](TableReader& table) { ReadOutcome(table); });
    config_.flywheel.seed = static_cast<std::uint64_t>(config_.seed);
    With(reader, "flywheel", [this](TableReader& table) {
      ReadFlywheelTable(table, fast_, config_.file, config_.flywheel, findings_);
    });
    reader.Finish();
  }

 private:
  void With(TableReader& parent, std::string_view key,
            const std::function<void(TableReader&)>& body) {
    const toml::table* table = parent.Table(key);
    if (table == nullptr) return;
    TableReader reader(*table, fmt::format("{}{}.", parent.path(), key), config_.file, findings_);
    body(reader);
    reader.Finish();
  }

  void ReadInstructions(TableReader& table) {
    InstructionsConfig& instructions = config_.instructions;
    table.ReadName("format", InstructionFormats(), ParseInstructionFormat, instructions.format);
    table.ReadPaths("files", instructions.files);
    table.Read("columns", instructions.columns);
    table.Read("categories", instructions.categories);
    table.ReadAtLeast("sample", 0, instructions.sample);
  }

  void ReadContestants(TableReader& root) {
    const toml::array* array = root.TableArray("contestant");
    if (array == nullptr) return;
    for (const toml::node& node : *array) {
      TableReader table(*node.as_table(), "contestant.", config_.file, findings_);
      ContestantConfig contestant;
      table.Read("name", contestant.name);
      table.Read("family", contestant.family);
      table.ReadName("kind", kContestantKinds, OneOf(kContestantKinds), contestant.kind);
      if (IsEndpointKind(contestant.kind)) {
        ReadEndpointContestant(table, contestant);
      } else {
        ReadOtherContestant(table, contestant);
      }
      table.Finish();
      CheckContestant(table, node, contestant);
      if (contestant.model.empty()) contestant.model = contestant.name;
      config_.contestants.push_back(std::move(contestant));
    }
  }

  void ReadEndpointContestant(TableReader& table, ContestantConfig& contestant) {
    contestant.endpoint = ReadEndpointModel(table, contestant.kind, config_.endpoints,
                                            fmt::format("the contestant \"{}\"", contestant.name));
    contestant.endpoint.model.name = contestant.name;
    contestant.endpoint.model.family = contestant.family;
  }

  void ReadOtherContestant(TableReader& table, ContestantConfig& contestant) {
    table.ReadName("format", AnswerFormats(), ParseAnswerFormat, contestant.format);
    table.ReadPath("file", contestant.file);
    table.Read("model", contestant.model);
    table.Read("columns", contestant.columns);
    ReadLocalModel(table, contestant.local.model);
    ReadSampling(table, contestant.local);
    contestant.local.name = contestant.name;
    contestant.local.family = contestant.family;
  }

  void ReadLocalModel(TableReader& table, LocalModelOptions& model) {
    table.ReadPath("checkpoint", model.pool.model);
    table.Read("chat_template", model.chat_template);
    table.ReadName("precision", kPrecisions, OneOf(kPrecisions), model.pool.precision);
    std::int64_t workers = 0;
    table.ReadAtLeast("workers", 0, workers);
    model.pool.workers = static_cast<unsigned>(workers);
    table.ReadAtLeast("max_batch", 1, model.pool.max_batch);
    table.ReadAtLeast("cache_mb", 1, model.pool.cache_mb);
  }

  void ReadSampling(TableReader& table, LocalContestant::Options& local) {
    table.Read("system_prompt", local.system_prompt);
    table.Read("temperature", local.sampling.temperature);
    table.ReadAtLeast("top_k", 0, local.sampling.top_k);
    table.Read("top_p", local.sampling.top_p);
    table.Read("min_p", local.sampling.min_p);
    table.Read("repetition_penalty", local.sampling.repetition_penalty);
    std::int64_t seed = 0;
    table.ReadAtLeast("seed", 0, seed);
    local.sampling.seed = static_cast<std::uint64_t>(seed);
    table.ReadAtLeast("max_new_tokens", 0, local.max_new_tokens);
    table.Read("stop", local.stop);
    table.Read("keep_cut", local.keep_cut);
  }

  void CheckContestant(TableReader& table, const toml::node& node,
                       const ContestantConfig& contestant) {
    if (contestant.name.empty()) table.Note(&node, "a [[contestant]] needs a name");
    if (contestant.kind == "local") {
      if (contestant.local.model.pool.model.empty()) {
        table.Note(&node, fmt::format("the contestant \"{}\" needs checkpoint = \"DIR\"",
                                      contestant.name));
      }
    } else if (contestant.kind == "recorded" && contestant.file.empty()) {
      table.Note(&node, fmt::format("the contestant \"{}\" needs a file of recorded answers",
                                    contestant.name));
    }
    for (const ContestantConfig& other : config_.contestants) {
      if (other.name == contestant.name) {
        table.Note(&node, fmt::format("two contestants are named \"{}\"", contestant.name));
      }
    }
  }

  void ReadJudge(TableReader& table) {
    table.ReadName("kind", kJudgeKinds, OneOf(kJudgeKinds), config_.judge.kind);
    ReferenceJudgeOptions& judge = config_.judge.reference;
    const bool is_local = config_.judge.kind != "reference";
    config_.judge.local.name = config_.judge.kind;
    table.Read("name", is_local ? config_.judge.local.name : judge.name);
    table.Read("family", config_.judge.local.family);
    ReadLocalModel(table, config_.judge.local.model);
    if (is_local) {
      config_.judge.local.score = *ParseLocalScore(config_.judge.kind);
      if (config_.judge.local.model.pool.model.empty()) {
        table.Note(nullptr, fmt::format("the judge of kind \"{}\" needs checkpoint = \"DIR\"",
                                        config_.judge.kind));
      }
    }
    table.ReadName("match", kMatches, ParseReferenceMatch, judge.match);
    table.Read("tolerance", judge.tolerance);
    table.Read("last_number", judge.last_number);
    table.Read("percent_as_fraction", judge.percent_as_fraction);
    table.Read("keep_punctuation", judge.keep_punctuation);
    table.Read("drop_articles", judge.drop_articles);
    table.Read("choice_letters", judge.choice_letters);
    With(table, "match_by_category", [this](TableReader& matches) {
      for (const std::string& category : matches.Keys()) {
        ReferenceMatch match{};
        matches.ReadName(category, kMatches, ParseReferenceMatch, match);
        config_.judge.match_by_category[category] = match;
      }
    });
  }

  void ReadBattle(TableReader& table) {
    constexpr std::array<std::string_view, 3> kPairings = {"all", "target", "baseline"};
    table.ReadName("pairing", kPairings, ParsePairing, config_.pairing.pairing);
    table.Read("target", config_.pairing.target);
    table.Read("rivals", config_.pairing.rivals);
    table.Read("baseline", config_.pairing.baseline);
    table.ReadAtLeast("threads", 0, config_.threads);
    table.ReadAtLeast("batch_rows", 1, config_.batch_rows);
    table.ReadAtLeast("batch_ms", 0, config_.batch_ms);
  }

  void ReadOutcome(TableReader& table) {
    constexpr std::array<std::string_view, 3> kPolicies = {"mean-score", "disagree-tie",
                                                           "each-game"};
    table.ReadName("policy", kPolicies, ParseOutcomePolicy, config_.outcome.policy);
    table.Read("tie_margin", config_.outcome.tie_margin);
  }

  const toml::table& root_;
  const bool fast_;
  Config& config_;
  std::vector<ConfigFinding>& findings_;
};

/// Parses the value of an override; what is not a TOML value is taken as a string.
toml::table ParseOverride(std::string_view key, std::string_view value) {
  try {
    return toml::parse(fmt::format("{} = {}", key, value));
  } catch (const toml::parse_error&) {
    toml::table table;
    table.insert_or_assign(key, std::string(value));
    return table;
  }
}

Status ApplyOverride(toml::table& root, const std::string& override_text) {
  const auto equals = override_text.find('=');
  const auto dot = override_text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
    return InvalidInput(fmt::format(
        "--set {}: write table.key=value, for example --set battle.threads=2", override_text));
  }
  const std::string_view text = override_text;
  const auto table_name = text.substr(0, dot);
  const auto key = text.substr(dot + 1, equals - dot - 1);
  const toml::table value = ParseOverride(key, text.substr(equals + 1));
  if (!root.contains(table_name)) root.insert(table_name, toml::table{});
  toml::table* table = root[table_name].as_table();
  const toml::node* node = value.get(key);
  if (table == nullptr || node == nullptr) {
    return InvalidInput(
        fmt::format("--set {}: there is no table [{}] with such a key", override_text, table_name));
  }
  table->insert_or_assign(key, *node);
  return {};
}

}  // namespace

Result<LoadedConfig> LoadConfig(const fs::path& file, const std::vector<std::string>& overrides,
                                bool fast) {
  auto text = file.empty() ? Result<std::string>("") : ReadFile(file);
  if (!text.ok()) {
    if (text.error().code != ErrorCode::kNotFound) return text.error();
    return NotFound(fmt::format("there is no {}; `arena init` makes one, `-c FILE` names another",
                                file.string()));
  }
  LoadedConfig loaded;
  loaded.config.file = file;
  loaded.config.store = file.parent_path() / "arena.db";
  toml::table root;
  try {
    root = toml::parse(*text, file.string());
  } catch (const toml::parse_error& e) {
    loaded.findings.push_back({fmt::format("{}:{}", file.string(), e.source().begin.line),
                               fmt::format("not valid TOML: {}", e.description())});
    return loaded;
  }
  for (const std::string& override_text : overrides) {
    ARENA_RETURN_IF_ERROR(ApplyOverride(root, override_text));
  }
  ConfigReader(root, fast, loaded).Read();
  return loaded;
}

Result<Config> LoadValidConfig(const fs::path& file, const std::vector<std::string>& overrides,
                               bool fast) {
  ARENA_ASSIGN_OR_RETURN(LoadedConfig loaded, LoadConfig(file, overrides, fast));
  if (loaded.findings.empty()) return std::move(loaded.config);
  std::string message = "the configuration is not valid";
  for (const ConfigFinding& finding : loaded.findings) {
    message += fmt::format("\n  {}: {}", finding.where, finding.message);
  }
  return InvalidInput(std::move(message));
}

}  // namespace arena
