// `arena doctor`: checks a configuration and its data, and says what to do about each finding.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "battle/pairing.h"
#include "checkpoint/checkpoint.h"
#include "cli/assemble.h"
#include "cli/command.h"
#include "cli/config.h"
#include "formats/answers.h"
#include "text/tokenizer.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

/// A problem stops a run, a warning does not.
enum class Severity { kOk, kWarning, kProblem };

struct Finding {
  Severity severity = Severity::kOk;
  std::string where;
  std::string message;
};

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kWarning:
      return "warning";
    case Severity::kProblem:
      return "problem";
  }
  return "";
}

/// Collects findings about one configuration. Not thread-safe.
class Doctor {
 public:
  explicit Doctor(const Config& config) : config_(config) {}

  std::vector<Finding> Examine() {
    CheckInstructions();
    CheckAnswerFiles();
    CheckContestants();
    CheckStore();
    return std::move(findings_);
  }

 private:
  void Note(Severity severity, std::string where, std::string message) {
    findings_.push_back({severity, std::move(where), std::move(message)});
  }

  /// Rows that are not valid; the first few by name, the rest by number.
  void NoteBadRows(const ReadReport& report, const fs::path& file) {
    for (const std::string& problem : report.problems) {
      Note(Severity::kProblem, problem, "mend or remove this row");
    }
    const auto listed = static_cast<std::int64_t>(report.problems.size());
    if (report.bad_rows > listed) {
      Note(Severity::kProblem, file.string(),
           fmt::format("{} more rows are not valid", report.bad_rows - listed));
    }
  }

  /// Whether the file can be opened at all.
  bool CheckFile(const fs::path& file, std::string_view role) {
    std::error_code error;
    if (fs::is_regular_file(file, error)) return true;
    Note(Severity::kProblem, file.string(),
         fmt::format("there is no such file of {}; download it, or mend the path in {}", role,
                     config_.file.string()));
    return false;
  }

  void CheckInstructions() {
    if (config_.instructions.files.empty()) {
      return Note(Severity::kProblem, config_.file.string(),
                  "[instructions] names no files; add files = [\"...\"]");
    }
    InstructionOptions options;
    options.columns = config_.instructions.columns;
    options.read.skip_bad_rows = true;
    for (const fs::path& file : config_.instructions.files) {
      if (!CheckFile(file, "instructions")) continue;
      const auto sink = [&](Instruction&& instruction) -> Status {
        instructions_.push_back(std::move(instruction));
        return {};
      };
      const auto report = ReadInstructions(config_.instructions.format, file, options, sink);
      if (!report.ok()) {
        Note(Severity::kProblem, file.string(), report.error().message);
        continue;
      }
      NoteBadRows(*report, file);
      Note(Severity::kOk, file.string(), fmt::format("{} instructions", report->rows));
    }
    CheckJudge(config_.judge);
  }

  void CheckJudge(const JudgeConfig& judge) {
    if (judge.kind == "reference") return CheckReferences(judge);
    if (judge.kind == "llm") return CheckLlm(judge.llm);
    if (judge.kind == "command") return CheckCommand(judge);
    if (judge.kind == "jury") {
      for (const JudgeConfig& member : judge.members) CheckJudge(member);
      return;
    }
    CheckCheckpoint("[judge]", judge.local.model.pool.model);
  }

  /// Every instruction needs a template that can show it.
  void CheckLlm(const LlmJudgeConfig& llm) {
    LlmJudgeOptions options;
    if (const Status loaded = LoadTemplates(llm, options); !loaded.ok()) {
      return Note(Severity::kProblem, "[judge]", loaded.error().message);
    }
    std::int64_t unfit = 0;
    std::string example;
    for (const Instruction& instruction : instructions_) {
      const auto found = options.by_category.find(instruction.category);
      const auto& templates =
          found == options.by_category.end() ? options.templates : found->second;
      const auto chosen = ChooseTemplate(templates, instruction);
      if (chosen.ok()) continue;
      if (++unfit == 1) {
        example = fmt::format("{}: {}", instruction.source, chosen.error().message);
      }
    }
    if (unfit > 0) {
      Note(Severity::kProblem, "[judge]",
           fmt::format("{} of {} instructions cannot be judged, the first at {}", unfit,
                       instructions_.size(), example));
    }
    if (llm.model.kind == "local") {
      CheckCheckpoint("[judge.model]", llm.model.local.model.pool.model);
    }
  }

  void CheckCommand(const JudgeConfig& command) {
    const auto judge = MakeJudge(command, network_);
    if (!judge.ok()) return Note(Severity::kProblem, "[judge]", judge.error().message);
    Note(Severity::kOk, "[judge]", fmt::format("{} starts", command.command.command.front()));
  }

  /// A reference that does not even win against itself cannot judge anything.
  void CheckReferences(const JudgeConfig& config) {
    const auto judge = MakeJudge(config, network_);
    if (!judge.ok()) return Note(Severity::kProblem, "[judge]", judge.error().message);
    std::int64_t unusable = 0;
    std::string example;
    for (const Instruction& instruction : instructions_) {
      const std::vector<std::string> reference = {instruction.reference.value_or("")};
      const auto game = (*judge)->Play({instruction, reference, reference});
      if (game.ok() && game->state == WorkState::kDone) continue;
      if (++unusable == 1) {
        example = fmt::format("{}: {}", instruction.source,
                              game.ok() ? game->error : game.error().message);
      }
    }
    if (unusable == 0) return;
    Note(Severity::kProblem, "[judge]",
         fmt::format("{} of {} references cannot be used, the first at {}; choose another match, "
                     "or mend the references",
                     unusable, instructions_.size(), example));
  }

  void CheckAnswerFiles() {
    std::vector<fs::path> seen;
    for (const ContestantConfig& contestant : config_.contestants) {
      if (contestant.kind != "recorded") continue;
      if (!CheckFile(contestant.file, fmt::format("answers of {}", contestant.name))) continue;
      AnswerOptions options;
      options.model = contestant.model;
      options.columns = contestant.columns;
      options.read.skip_bad_rows = true;
      const auto sink = [](RecordedAnswer&&) -> Status { return {}; };
      const auto report = ReadAnswers(contestant.format, contestant.file, options, sink);
      // An error of the whole file is found again, with the same words, by CheckContestants.
      if (!report.ok() || std::find(seen.begin(), seen.end(), contestant.file) != seen.end()) {
        continue;
      }
      seen.push_back(contestant.file);
      NoteBadRows(*report, contestant.file);
    }
  }

  void CheckContestants() {
    std::vector<std::string> names;
    for (const ContestantConfig& contestant : config_.contestants) names.push_back(contestant.name);
    if (const auto pairs = MakePairs(names, config_.pairing); !pairs.ok()) {
      Note(Severity::kProblem, "[battle]", pairs.error().message);
    }
    for (const ContestantConfig& contestant : config_.contestants) {
      if (contestant.kind == "local") {
        CheckCheckpoint(contestant.name, contestant.local.model.pool.model);
        continue;
      }
      if (IsEndpointKind(contestant.kind)) {
        CheckEndpoint(contestant);
        continue;
      }
      if (!fs::exists(contestant.file)) continue;
      const auto model = MakeRecorded(contestant);
      if (!model.ok()) {
        Note(Severity::kProblem, contestant.name, model.error().message);
        continue;
      }
      CheckAnswers(**model);
    }
  }

  /// Its key is there; the server is not asked.
  void CheckEndpoint(const ContestantConfig& contestant) {
    Network network(1);
    const auto model = network.MakeModel(contestant.endpoint);
    if (!model.ok()) return Note(Severity::kProblem, contestant.name, model.error().message);
    const EndpointOptions& options = (*model)->options();
    Note(Severity::kOk, contestant.name, fmt::format("{} at {}", options.model, options.base_url));
    if (!contestant.endpoint.transfers.verify_tls) {
      Note(
          Severity::kWarning, contestant.name,
          "verify_tls = false: whoever is on the way can read the key and change the answers; name "
          "the server's certificate in ca_file instead");
    }
  }

  /// Opens it and reads no weights.
  void CheckCheckpoint(const std::string& name, const fs::path& directory) {
    const auto checkpoint = Checkpoint::Open(directory);
    const auto tokenizer = LoadTokenizer(directory);
    if (!checkpoint.ok()) Note(Severity::kProblem, name, checkpoint.error().message);
    if (!tokenizer.ok()) Note(Severity::kProblem, name, tokenizer.error().message);
    if (checkpoint.ok() && tokenizer.ok()) {
      Note(Severity::kOk, name, fmt::format("{} is whole", directory.string()));
    }
  }

  void CheckAnswers(const RecordedContestant& model) {
    const Coverage coverage = model.CheckCovers(instructions_);
    const std::string& name = model.contestant().name;
    if (coverage.missing + coverage.prompt_differs == 0) {
      return Note(Severity::kOk, name,
                  fmt::format("answers to all {} instructions", coverage.instructions));
    }
    const std::string example = coverage.examples.empty() ? "" : ": " + coverage.examples.front();
    if (coverage.missing > 0) {
      Note(coverage.missing == coverage.instructions ? Severity::kProblem : Severity::kWarning,
           name,
           fmt::format("no answer to {} of {} instructions, so their battles will be void{}",
                       coverage.missing, coverage.instructions, example));
    }
    if (coverage.prompt_differs > 0) {
      Note(Severity::kWarning, name,
           fmt::format("{} answers have the id of an instruction and another prompt: are they "
                       "answers to it?{}",
                       coverage.prompt_differs, example));
    }
  }

  void CheckStore() {
    const fs::path folder = config_.store.has_parent_path() ? config_.store.parent_path() : ".";
    std::error_code error;
    const fs::space_info space = fs::space(folder, error);
    if (error) {
      return Note(Severity::kProblem, folder.string(),
                  fmt::format("the store cannot be written there: {}", error.message()));
    }
    // About 1 KiB a game, two games a battle, besides the answers themselves.
    const auto pairs = config_.contestants.size() * config_.contestants.size() / 2;
    const std::uintmax_t need = (std::uintmax_t{16} << 20) + instructions_.size() * pairs * 2048;
    const auto mib = [](std::uintmax_t bytes) { return bytes >> 20; };
    if (space.available < need) {
      Note(Severity::kProblem, folder.string(),
           fmt::format("{} MiB are free and about {} MiB may be needed; free some, or name another "
                       "store",
                       mib(space.available), mib(need)));
    }
    if (!fs::exists(config_.store)) {
      return Note(Severity::kOk, config_.store.string(), "will be made by `arena battle`");
    }
    const auto store = OpenStore(config_.store.string(), {.read_only = true});
    if (!store.ok()) {
      return Note(Severity::kProblem, config_.store.string(), store.error().message);
    }
    const auto counts = (*store)->Counts();
    if (!counts.ok()) {
      return Note(Severity::kProblem, config_.store.string(), counts.error().message);
    }
    Note(Severity::kOk, config_.store.string(),
         fmt::format("{} battles and {} games are stored", counts->battles, counts->games));
    if (const auto failed = counts->failed_answers + counts->failed_games; failed > 0) {
      Note(Severity::kWarning, config_.store.string(),
           fmt::format("{} answers and games have failed; `arena battle --retry-errors` tries them "
                       "again",
                       failed));
    }
  }

  const Config& config_;
  Network network_{1};  // of judges; they are not asked
  std::vector<Instruction> instructions_;
  std::vector<Finding> findings_;
};

void Print(const std::vector<Finding>& findings, bool json) {
  std::int64_t problems = 0;
  std::int64_t warnings = 0;
  Json list = Json::array();
  for (const Finding& finding : findings) {
    problems += finding.severity == Severity::kProblem ? 1 : 0;
    warnings += finding.severity == Severity::kWarning ? 1 : 0;
    list.push_back({{"severity", SeverityName(finding.severity)},
                    {"where", finding.where},
                    {"message", finding.message}});
    if (!json) {
      PrintText(fmt::format("{:8} {}: {}\n", SeverityName(finding.severity), finding.where,
                            finding.message));
    }
  }
  if (json) {
    return PrintJson({{"problems", problems}, {"warnings", warnings}, {"findings", list}});
  }
  PrintText(problems + warnings == 0
                ? "All is well.\n"
                : fmt::format("{} problems, {} warnings.\n", problems, warnings));
}

Result<Exit> RunDoctor(const CommonOptions& common) {
  ARENA_ASSIGN_OR_RETURN(const LoadedConfig loaded, LoadConfig(common.config, common.overrides));
  std::vector<Finding> findings;
  for (const ConfigFinding& finding : loaded.findings) {
    findings.push_back({Severity::kProblem, finding.where, finding.message});
  }
  // A configuration that is not understood would only give findings that are not true.
  if (findings.empty()) {
    findings.push_back({Severity::kOk, common.config, "every key and value is known"});
    for (Finding& finding : Doctor(loaded.config).Examine()) {
      findings.push_back(std::move(finding));
    }
  }
  Print(findings, common.json);
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kProblem) return Exit::kUsage;
  }
  return Exit::kDone;
}

}  // namespace

void AddDoctor(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "doctor", "Check an arena.toml and its data; each finding says what to do");
  auto common = std::make_shared<CommonOptions>();
  AddConfigOptions(command, *common);
  AddJsonOption(command, *common);
  command.footer("Example:\n  arena doctor -c examples/gsm8k/arena.toml");
  OnRun(command, exit, [common] { return RunDoctor(*common); });
}

}  // namespace arena
