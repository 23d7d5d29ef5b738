#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/file.h"
#include "cli/contestant_config.h"
#include "cli/curate_config.h"
#include "cli/flywheel_config.h"
#include "cli/judge_config.h"
#include "cli/toml_table.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string_view>& InstructionFormats() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const InstructionFormat format :
         {InstructionFormat::kFastChat, InstructionFormat::kArenaHard,
          InstructionFormat::kAlpacaEval, InstructionFormat::kGsm8k, InstructionFormat::kOpenAi,
          InstructionFormat::kJsonl, InstructionFormat::kCsv}) {
      names.push_back(InstructionFormatName(format));
    }
    return names;
  }();
  return kNames;
}

/// Fills a Config from the parsed file.
class ConfigReader {
 public:
  ConfigReader(const toml::table& root, bool fast, LoadedConfig& loaded)
      : root_(root), fast_(fast), config_(loaded.config), findings_(loaded.findings) {}

  void Read() {
    TableReader reader(root_, "", config_.file, findings_);
    reader.With("arena", [this](TableReader& table) {
      table.ReadPath("store", config_.store);
      table.Read("seed", config_.seed);
    });
    reader.With("instructions", [this](TableReader& table) { ReadInstructions(table); });
    ReadEndpoints(reader, config_.endpoints);
    ReadContestants(reader);
    reader.With("judge", [this](TableReader& table) {
      ReadJudgeTable(table, config_.endpoints, config_.judge);
    });
    reader.With("battle", [this](TableReader& table) { ReadBattle(table); });
    SetCurateDefaults(config_.curate);
    reader.With("curate", [this](TableReader& table) {
      ReadCurateTable(table, config_.endpoints, config_.curate);
    });
    reader.With("outcome", [this](TableReader& table) { ReadOutcome(table); });
    config_.flywheel.seed = static_cast<std::uint64_t>(config_.seed);
    reader.With("flywheel",
                [this](TableReader& table) { ReadFlywheelTable(table, fast_, config_); });
    reader.Finish();
  }

 private:
  void ReadInstructions(TableReader& table) {
    InstructionsConfig& instructions = config_.instructions;
    table.ReadName("format", InstructionFormats(), ParseInstructionFormat, instructions.format);
    table.ReadPaths("files", instructions.files);
    table.Read("columns", instructions.columns);
    table.Read("categories", instructions.categories);
    table.ReadAtLeast("sample", 0, instructions.sample);
  }

  void ReadContestants(TableReader& root) {
    root.WithEach("contestant", [this](TableReader& table, const toml::node& node) {
      ContestantConfig contestant;
      ReadContestantTable(table, config_.endpoints, contestant);
      CheckContestant(table, node, contestant);
      if (contestant.model.empty()) contestant.model = contestant.name;
      config_.contestants.push_back(std::move(contestant));
    });
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

/// Sets what an override, `table.key=value` or `table.table.key=value`, says; a value that is not
/// TOML is taken as a string.
Status ApplyOverride(toml::table& root, const std::string& override_text) {
  const std::string_view text = override_text;
  const auto equals = text.find('=');
  std::string_view path = text.substr(0, equals);
  if (equals == std::string_view::npos || path.find('.') == std::string_view::npos) {
    return InvalidInput(fmt::format(
        "--set {}: write table.key=value, for example --set battle.threads=2", override_text));
  }
  toml::table* table = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    const std::string_view name = path.substr(0, dot);
    table = table->insert(name, toml::table{}).first->second.as_table();
    if (table == nullptr) {
      return InvalidInput(fmt::format("--set {}: {} is not a table", override_text, name));
    }
    path.remove_prefix(dot + 1);
  }
  const std::string_view value = text.substr(equals + 1);
  try {
    const toml::table parsed = toml::parse(fmt::format("value = {}", value));
    table->insert_or_assign(path, *parsed.get("value"));
  } catch (const toml::parse_error&) {
    table->insert_or_assign(path, std::string(value));
  }
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
