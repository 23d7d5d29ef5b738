#include "cli/judge_config.h"

#include <algorithm>
#include <array>

#include "cli/contestant_config.h"
#include "judge/judge_template.h"

namespace arena {
namespace {

constexpr std::array<std::string_view, 7> kJudgeKinds = {
    "reference", "logprob", "single-score", "reward_model", "llm", "jury", "command"};
constexpr std::array<std::string_view, 6> kMatches = {"numeric", "exact", "text",
                                                      "choice",  "edit",  "graded"};
constexpr std::array<std::string_view, 2> kReadings = {"strict", "tolerant"};
constexpr std::array<std::string_view, 2> kFastChatTypes = {"pairwise", "single"};
constexpr std::array<std::string_view, 2> kRules = {"mean", "majority"};

void ReadReference(TableReader& table, JudgeConfig& config) {
  ReferenceJudgeOptions& judge = config.reference;
  table.ReadName("match", kMatches, ParseReferenceMatch, judge.match);
  table.Read("tolerance", judge.tolerance);
  table.Read("last_number", judge.last_number);
  table.Read("percent_as_fraction", judge.percent_as_fraction);
  table.Read("keep_punctuation", judge.keep_punctuation);
  table.Read("drop_articles", judge.drop_articles);
  table.Read("choice_letters", judge.choice_letters);
  table.With("match_by_category", [&config](TableReader& matches) {
    for (const std::string& category : matches.Keys()) {
      ReferenceMatch match{};
      matches.ReadName(category, kMatches, ParseReferenceMatch, match);
      config.match_by_category[category] = match;
    }
  });
}

/// Judges that compare with references or measure by a checkpoint.
void ReadMeasuring(TableReader& table, JudgeConfig& config) {
  const bool is_local = config.kind != "reference";
  config.local.name = config.kind;
  table.Read("name", is_local ? config.local.name : config.reference.name);
  table.Read("family", config.local.family);
  ReadLocalModel(table, config.local.model);
  if (is_local) {
    config.local.score = *ParseLocalScore(config.kind);
    if (config.local.model.pool.model.empty()) {
      table.Note(nullptr,
                 fmt::format("the judge of kind \"{}\" needs checkpoint = \"DIR\"", config.kind));
    }
  }
  ReadReference(table, config);
}

/// The name of a built-in template stays; a file's is resolved.
void ReadTemplate(TableReader& table, std::string_view key, std::string& where) {
  std::string name;
  table.Read(key, name);
  const bool is_builtin = name.empty() || ParseVerdictForm(name).has_value();
  if (is_builtin) {
    if (!name.empty()) where = name;
    return;
  }
  std::filesystem::path path;
  table.ReadPath(key, path);
  where = path.string();
}

void ReadJudgeModel(TableReader& table, const EndpointConfigs& endpoints, ContestantConfig& model) {
  model.kind = "local";
  ReadContestantTable(table, endpoints, model);
  if (model.name.empty()) {
    model.name = model.local.name = model.endpoint.model.name = "judge";
  }
  if (model.kind == "recorded") {
    table.NoteKey("kind", "cannot be \"recorded\": nobody recorded answers to a judge's prompts");
  } else if (model.kind == "local" && model.local.model.pool.model.empty()) {
    table.Note(nullptr, fmt::format("[{}] needs checkpoint = \"DIR\"",
                                    table.path().substr(0, table.path().size() - 1)));
  }
}

void ReadLlm(TableReader& table, const EndpointConfigs& endpoints, JudgeConfig& config) {
  LlmJudgeConfig& llm = config.llm;
  table.Read("name", llm.name);
  table.Read("family", llm.family);
  ReadTemplate(table, "template", llm.where);
  table.With("template_by_category", [&llm](TableReader& templates) {
    for (const std::string& category : templates.Keys()) {
      ReadTemplate(templates, category, llm.by_category[category]);
    }
  });
  table.ReadName("fastchat_type", kFastChatTypes, OneOf(kFastChatTypes), llm.fastchat_type);
  table.ReadAtLeast("samples", 1, llm.samples);
  table.Read("repair", llm.repair);
  table.Read("json", llm.json);
  table.Read("schema", llm.schema);
  if (llm.schema && !llm.json) table.NoteKey("schema", "needs json = true");
  table.ReadName("parser", kReadings, ParseVerdictReading, llm.reading);
  table.ReadAtLeast("games_at_once", 1, llm.games_at_once);
  bool has_model = false;
  table.With("model", [&](TableReader& model) {
    has_model = true;
    ReadJudgeModel(model, endpoints, llm.model);
  });
  const bool takes_schema = llm.model.kind == "openai" || llm.model.kind == "ollama";
  if (llm.schema && has_model && !takes_schema) {
    table.NoteKey("schema", "is for models of the kinds \"openai\" and \"ollama\"");
  }
  if (!has_model) {
    table.Note(nullptr,
               fmt::format("the judge of kind \"llm\" needs a table [{}model]: who is asked",
                           table.path()));
  }
}

void ReadCommand(TableReader& table, CommandJudgeOptions& command) {
  table.Read("name", command.name);
  table.Read("family", command.family);
  table.Read("command", command.command);
  table.Read("version", command.version);
  std::int64_t workers = command.workers;
  table.ReadAtLeast("workers", 1, workers);
  command.workers = static_cast<unsigned>(workers);
  std::int64_t timeout_s = std::chrono::floor<std::chrono::seconds>(command.timeout).count();
  table.ReadAtLeast("timeout_s", 1, timeout_s);
  command.timeout = std::chrono::seconds(timeout_s);
  table.Read("lowest", command.lowest);
  table.Read("highest", command.highest);
  std::filesystem::path log;
  table.ReadPath("log", log);
  command.log_file = log.string();
  std::filesystem::path folder;
  table.ResolvePath(".", folder);
  command.folder = folder.string();
  if (command.command.empty()) {
    table.Note(nullptr, "the judge of kind \"command\" needs command = [\"PROGRAM\", ...]");
  }
}

void ReadJury(TableReader& table, const EndpointConfigs& endpoints, JudgeConfig& config) {
  table.Read("name", config.jury.name);
  table.Read("family", config.jury.family);
  table.ReadName("rule", kRules, ParseJuryRule, config.jury.rule);
  table.WithEach("member", [&](TableReader& member, const toml::node& node) {
    ReadJudgeTable(member, endpoints, config.members.emplace_back());
    if (config.members.back().kind == "jury") member.Note(&node, "a jury is no member of a jury");
  });
  if (config.members.size() < 2) {
    table.Note(nullptr, fmt::format("the judge of kind \"jury\" needs two [[{}member]] or more",
                                    table.path()));
  }
}

}  // namespace

void ReadJudgeTable(TableReader& table, const EndpointConfigs& endpoints, JudgeConfig& judge) {
  table.ReadName("kind", kJudgeKinds, OneOf(kJudgeKinds), judge.kind);
  if (judge.kind == "llm") return ReadLlm(table, endpoints, judge);
  if (judge.kind == "command") return ReadCommand(table, judge.command);
  if (judge.kind == "jury") return ReadJury(table, endpoints, judge);
  ReadMeasuring(table, judge);
}

}  // namespace arena
