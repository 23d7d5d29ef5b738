#include "cli/assemble.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <utility>

#include "judge/category_judge.h"
#include "judge/reference_judge.h"

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

Result<std::vector<std::unique_ptr<ChatModel>>> MakeContestants(const Config& config,
                                                                Network& network) {
  std::vector<std::unique_ptr<ChatModel>> models;
  for (const ContestantConfig& contestant : config.contestants) {
    if (contestant.kind == "local") {
      ARENA_ASSIGN_OR_RETURN(auto model, LocalContestant::Load(contestant.local));
      models.push_back(std::move(model));
    } else if (IsEndpointKind(contestant.kind)) {
      ARENA_ASSIGN_OR_RETURN(auto model, network.MakeModel(contestant.endpoint));
      models.push_back(std::move(model));
    } else {
      ARENA_ASSIGN_OR_RETURN(auto model, MakeRecorded(contestant));
      models.push_back(std::move(model));
    }
  }
  return models;
}

Result<std::unique_ptr<Judge>> MakeJudge(const JudgeConfig& config) {
  if (config.kind != "reference") return MakeLocalJudge(config.local);
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

Result<std::unique_ptr<Store>> OpenStoreForReading(const std::string& where) {
  if (!std::filesystem::exists(where)) {
    return NotFound(
        fmt::format("there is no store {}; `arena battle --store {}` makes one", where, where));
  }
  return OpenStore(where, {.read_only = true});
}

}  // namespace arena
