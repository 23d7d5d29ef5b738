#include "cli/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "judge/category_judge.h"
#include "judge/reference_judge.h"
#include "judge/verdict_schema.h"

namespace arena {

Status StreamInstructions(const InstructionsConfig& config,
                          FunctionRef<Status(Instruction&&)> sink) {
  if (config.files.empty()) {
    return InvalidInput("[instructions] needs files = [\"...\"]: what shall be answered?");
  }
  InstructionOptions options;
  options.columns = config.columns;
  for (const auto& file : config.files) {
    auto report = ReadInstructions(config.format, file, options, sink);
    if (!report.ok()) return report.error();
  }
  return {};
}

Result<std::unique_ptr<RecordedContestant>> MakeRecorded(const ContestantConfig& config) {
  RecordedContestant::Options options;
  options.name = config.name;
  options.family = config.family;
  options.format = config.format;
  options.file = config.file;
  options.answers.model = config.model;
  options.answers.columns = config.columns;
  return RecordedContestant::Load(options);
}

Result<std::unique_ptr<ChatModel>> MakeChatModel(const ContestantConfig& config, Network& network) {
  if (config.kind == "local") return LocalContestant::Load(config.local);
  if (IsEndpointKind(config.kind)) return network.MakeModel(config.endpoint);
  return MakeRecorded(config);
}

Result<std::vector<std::unique_ptr<ChatModel>>> MakeContestants(const Config& config,
                                                                Network& network) {
  std::vector<std::unique_ptr<ChatModel>> models;
  for (const ContestantConfig& contestant : config.contestants) {
    ARENA_ASSIGN_OR_RETURN(auto model, MakeChatModel(contestant, network));
    models.push_back(std::move(model));
  }
  return models;
}

Status LoadTemplates(const LlmJudgeConfig& config, LlmJudgeOptions& options) {
  ARENA_ASSIGN_OR_RETURN(options.templates, LoadJudgeTemplates(config.where, config.fastchat_type));
  for (const auto& [category, where] : config.by_category) {
    ARENA_ASSIGN_OR_RETURN(options.by_category[category],
                           LoadJudgeTemplates(where, config.fastchat_type));
  }
  return {};
}

namespace {

// The model with the verdict's schema in its requests; what the user's own body says wins.
Result<ContestantConfig> WithSchema(const ContestantConfig& model, const LlmJudgeOptions& options) {
  const VerdictForm form = options.templates.front().form;
  for (const auto& [category, templates] : options.by_category) {
    if (templates.front().form == form) continue;
    return InvalidInput(fmt::format(
        "schema = true: the templates of \"{}\" ask for another form of verdict", category));
  }
  Json body = Json::object();
  if (model.kind == "ollama") {
    body["format"] = VerdictSchema(form);
  } else {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "verdict"}, {"strict", true}, {"schema", VerdictSchema(form)}}}};
  }
  ContestantConfig with_schema = model;
  std::string& own = with_schema.endpoint.model.body;
  if (const auto more = ParseJson(own); more.ok() && more->is_object()) body.update(*more);
  own = DumpJson(body);
  return with_schema;
}

Result<std::unique_ptr<Judge>> MakeLlm(const LlmJudgeConfig& config, Network& network) {
  LlmJudgeOptions options;
  options.name = config.name;
  options.family = config.family;
  ARENA_RETURN_IF_ERROR(LoadTemplates(config, options));
  options.samples = static_cast<int>(std::min<std::int64_t>(config.samples, 1000));
  options.repair = config.repair;
  options.json = config.json;
  options.reading = config.reading;
  options.games_at_once = static_cast<unsigned>(config.games_at_once);
  ContestantConfig asked = config.model;
  if (config.schema) {
    ARENA_ASSIGN_OR_RETURN(asked, WithSchema(config.model, options));
  }
  ARENA_ASSIGN_OR_RETURN(auto model, MakeChatModel(asked, network));
  if (config.model.endpoint.batch) options.games_at_once = model->answers_at_once();
  return MakeLlmJudge(std::move(options), std::move(model));
}

Result<std::unique_ptr<Judge>> MakeJuryOf(const JudgeConfig& config, Network& network) {
  std::vector<std::unique_ptr<Judge>> members;
  for (const JudgeConfig& member : config.members) {
    ARENA_ASSIGN_OR_RETURN(auto judge, MakeJudge(member, network));
    members.push_back(std::move(judge));
  }
  return MakeJury(config.jury, std::move(members));
}

Result<std::unique_ptr<Judge>> MakeReference(const JudgeConfig& config) {
  ARENA_ASSIGN_OR_RETURN(auto otherwise, MakeReferenceJudge(config.reference));
  if (config.match_by_category.empty()) return otherwise;
  std::map<std::string, std::unique_ptr<Judge>, std::less<>> by_category;
  for (const auto& [category, match] : config.match_by_category) {
    ReferenceJudgeOptions options = config.reference;
    options.match = match;
    ARENA_ASSIGN_OR_RETURN(by_category[category], MakeReferenceJudge(options));
  }
  return MakeCategoryJudge(std::move(by_category), std::move(otherwise));
}

}  // namespace

Result<std::unique_ptr<Judge>> MakeJudge(const JudgeConfig& config, Network& network) {
  if (config.kind == "reference") return MakeReference(config);
  if (config.kind == "llm") return MakeLlm(config.llm, network);
  if (config.kind == "command") return MakeCommandJudge(config.command);
  if (config.kind == "jury") return MakeJuryOf(config, network);
  return MakeLocalJudge(config.local);
}

Result<std::unique_ptr<Store>> OpenStoreForReading(const std::string& where) {
  if (!std::filesystem::exists(where)) {
    return NotFound(
        fmt::format("there is no store {}; `arena battle --store {}` makes one", where, where));
  }
  return OpenStore(where, {.read_only = true});
}

}  // namespace arena
