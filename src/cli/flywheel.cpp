// `arena flywheel`: the closed loop.
#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cli/assemble.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/network.h"
#include "cli/progress.h"
#include "flywheel/loop.h"
#include "flywheel/run_report.h"
#include "flywheel/status.h"
#include "report/board_json.h"
#include "report/board_text.h"
#include "report/data_card_text.h"
#include "report/flywheel_report.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

struct FlywheelArguments {
  CommonOptions common;
  fs::path folder;
  std::optional<std::uint64_t> seed;
  bool fast = false;
  bool retry_errors = false;
  double max_cost_usd = std::numeric_limits<double>::infinity();
};

Result<Config> LoadFlywheelConfig(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(
      Config config,
      LoadValidConfig(arguments.common.config, arguments.common.overrides, arguments.fast));
  if (arguments.seed) config.flywheel.seed = *arguments.seed;
  ARENA_RETURN_IF_ERROR(CheckFlywheelSettings(config.flywheel));
  return config;
}

Status WriteBoard(const fs::path& folder, const Board& board) {
  const Json json = BoardsToJson({board}, {.win_matrix = true});
  return WriteFileAtomic(folder / "leaderboard.json", DumpJson(json, 2) + "\n");
}

Status WriteReport(const fs::path& folder, const FlywheelReport& report) {
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(folder / "report.md", FlywheelMarkdown(report)));
  return WriteFileAtomic(folder / "report.html", FlywheelHtml(report));
}

// The stage by which the rule "stop" ended the run, where it did.
const StageStatus* StoppedBy(const FlywheelStatus& status) {
  for (std::size_t i = 0; i + 1 < status.stages.size(); ++i) {
    if (status.stages[i].done && status.stages[i].fell && !status.stages[i + 1].done) {
      return &status.stages[i];
    }
  }
  return nullptr;
}

std::unique_ptr<StageTrainer> MakeTrainer(const Config& config) {
  if (!config.flywheel_trainer) return MakeNativeTrainer();
  return MakeCommandTrainer(*config.flywheel_trainer);
}

std::unique_ptr<StageServer> MakeServer(const Config& config, const fs::path& folder,
                                        Network& network) {
  if (!config.flywheel_server) return MakeNativeServer(config.flywheel.workers);
  EndpointServerOptions options = config.flywheel_server->options;
  options.endpoint = config.flywheel_server->endpoint.model;
  options.log_folder = fs::absolute(folder) / "servers";
  options.make_model = [endpoint = config.flywheel_server->endpoint, &network](
                           const EndpointOptions& model) -> Result<std::unique_ptr<ChatModel>> {
    EndpointConfig served = endpoint;
    served.model = model;
    served.limits.name = EndpointUrl(model);
    ARENA_ASSIGN_OR_RETURN(auto made, network.MakeModel(served));
    return std::unique_ptr<ChatModel>(std::move(made));
  };
  return MakeEndpointServer(std::move(options));
}

// "SFT-I1: battle 3 of 10, 0.1234 USD".
std::string WithSpend(const std::string& line, const Budget& budget) {
  return budget.spent() > 0 ? fmt::format("{}, {:.4f} USD", line, budget.spent()) : line;
}

Result<Exit> RunRun(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Config config, LoadFlywheelConfig(arguments));
  Network network(config.flywheel.seed, arguments.max_cost_usd, arguments.folder / "batches");
  ARENA_ASSIGN_OR_RETURN(const auto judge, MakeJudge(config.judge, network));
  std::vector<std::unique_ptr<ChatModel>> rivals;
  if (HasOwnModels(config.flywheel)) {
    ARENA_ASSIGN_OR_RETURN(rivals, MakeContestants(config, network));
  }
  const auto trainer = MakeTrainer(config);
  const auto server = MakeServer(config, arguments.folder, network);
  const SystemClock clock;
  InstallInterruptHandler();
  Progress progress("steps", clock, arguments.common.json);
  const auto start = clock.Steady();
  FlywheelParts parts{
      .trainer = *trainer,
      .server = *server,
      .judge = *judge,
      .clock = clock,
      .version = ARENA_VERSION,
      .on_progress =
          [&](const std::string& line) { progress.Show(WithSpend(line, network.budget())); },
      .on_board = [&](const Board& board) { return WriteBoard(arguments.folder, board); },
      .describe = DataCardMarkdown,
      .retry_failed = arguments.retry_errors,
      .instructions =
          [&](FunctionRef<Status(Instruction &&)> sink) {
            return StreamInstructions(config.instructions, sink);
          }};
  for (const auto& rival : rivals) parts.rivals.push_back(rival.get());
  const Status run = RunFlywheel(config.flywheel, arguments.folder, parts);
  progress.Finish();
  if (!run.ok()) {
    if (run.error().code != ErrorCode::kCancelled) return run.error();
    PrintText(fmt::format("Ended early: {}. Run the same command again to continue.\n",
                          run.error().message));
    return Exit::kInterrupted;
  }
  ARENA_ASSIGN_OR_RETURN(const FlywheelReport report, ReadFlywheelReport(arguments.folder));
  ARENA_RETURN_IF_ERROR(WriteReport(arguments.folder, report));
  const fs::path page = arguments.folder / "report.html";
  if (arguments.common.json) {
    PrintJson(FlywheelStatusJson(report.status));
    return Exit::kDone;
  }
  PrintText(BoardTable(report.board, StdoutTableStyle()));
  const StageStatus* last = StoppedBy(report.status);
  if (last != nullptr && config.flywheel.on_regression == RegressionRule::kStop) {
    PrintText(fmt::format("Stopped: {} rates below {}, beyond its interval.\n", last->name,
                          last->target));
  }
  PrintText(fmt::format("{} in {}.\nReport: {}\n", arguments.folder.string(),
                        FormatDuration(clock.Steady() - start), page.string()));
  return Exit::kDone;
}

Result<Exit> RunReport(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const FlywheelReport report, ReadFlywheelReport(arguments.folder));
  ARENA_RETURN_IF_ERROR(WriteReport(arguments.folder, report));
  PrintText(fmt::format("Report: {}\n", (arguments.folder / "report.html").string()));
  return Exit::kDone;
}

std::string StatusText(const FlywheelStatus& status) {
  TextTable table({{"stage", Align::kLeft},
                   {"rating"},
                   {"interval"},
                   {"exact"},
                   {"selected"},
                   {"battles"},
                   {"seconds"}});
  for (const StageStatus& stage : status.stages) {
    const auto& rating = stage.rating;
    table.AddRow({stage.name, rating ? fmt::format("{:.0f}", rating->rating) : "",
                  rating ? fmt::format("{:.0f} to {:.0f}", rating->lower, rating->upper) : "",
                  stage.exact_match ? fmt::format("{:.3f}", *stage.exact_match) : "",
                  fmt::format("{} of {}", stage.selected, stage.instructions),
                  std::to_string(stage.battles), fmt::format("{:.0f}", stage.seconds)});
  }
  std::string text = table.Render(StdoutTableStyle());
  for (const StageStatus& stage : status.stages) {
    if (stage.done) continue;
    const std::string last = stage.parts.empty() ? "nothing" : stage.parts.back().first;
    return text + fmt::format("At {}; finished there: {}\n", stage.name, last);
  }
  return text + "All stages are finished.\n";
}

Result<Exit> RunStatus(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const FlywheelStatus status, ReadFlywheelStatus(arguments.folder));
  if (arguments.common.json) {
    PrintJson(FlywheelStatusJson(status));
  } else {
    PrintText(StatusText(status));
  }
  return Exit::kDone;
}

Result<Exit> RunPlan(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Config config, LoadFlywheelConfig(arguments));
  const std::vector<StagePlan> stages = PlanStages(config.flywheel);
  TextTable table({{"stage", Align::kLeft},
                   {"from", Align::kLeft},
                   {"shard", Align::kLeft},
                   {"prompts"},
                   {"trainings"},
                   {"answers"},
                   {"battles"},
                   {"games"}});
  Json json = Json::array();
  StageCost all;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const StagePlan& stage = stages[i];
    const StageCost cost = CostOf(config.flywheel, stages, i);
    const std::string parent = stage.parent.empty() ? "base" : stage.parent;
    table.AddRow({stage.name, parent, stage.shard, std::to_string(stage.prompts),
                  std::to_string(cost.trainings), std::to_string(cost.answers),
                  std::to_string(cost.battles), std::to_string(2 * cost.battles)});
    json.push_back({{"name", stage.name},
                    {"parent", parent},
                    {"shard", stage.shard},
                    {"prompts", stage.prompts},
                    {"trainings", cost.trainings},
                    {"answers", cost.answers},
                    {"battles", cost.battles},
                    {"games", 2 * cost.battles}});
    all.answers += cost.answers;
    all.battles += cost.battles;
    all.trainings += cost.trainings;
  }
  if (arguments.common.json) {
    PrintJson({{"stages", std::move(json)}});
    return Exit::kDone;
  }
  PrintText(table.Render(StdoutTableStyle()));
  if (!HasOwnModels(config.flywheel)) {
    PrintText("Before them the base, the generalist and the other rivals are trained.\n");
  }
  PrintText(
      fmt::format("In all {} trainings of stages, at most {} answers, {} battles of two games "
                  "each; equal texts "
                  "share a game.\n",
                  all.trainings, all.answers, all.battles));
  return Exit::kDone;
}

std::string LineageText(const Json& checkpoints, const Json& parent, int depth) {
  std::string text;
  for (const Json& checkpoint : checkpoints) {
    if (checkpoint.at("parent") != parent) continue;
    std::size_t files = checkpoint.at("data").size();
    text += fmt::format("{:{}}{} ({}, {} data files, weights {})\n", "", 2 * depth,
                        checkpoint.at("name").get<std::string>(),
                        checkpoint.at("trainer").get<std::string>(), files,
                        checkpoint.at("weights").get<std::string>().substr(0, 12));
    text += LineageText(checkpoints, checkpoint.at("name"), depth + 1);
  }
  return text;
}

Result<Exit> RunLineage(const FlywheelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Json lineage, ReadLineage(arguments.folder));
  if (arguments.common.json) {
    PrintJson(lineage);
  } else {
    PrintText(LineageText(lineage.at("checkpoints"), nullptr, 0));
  }
  return Exit::kDone;
}

void AddFolder(CLI::App& command, FlywheelArguments& arguments) {
  command.add_option("--workdir", arguments.folder, "The folder of the run")
      ->required()
      ->type_name("DIR");
}

void AddSettings(CLI::App& command, FlywheelArguments& arguments) {
  AddConfigOptions(command, arguments.common);
  command.add_option("--seed", arguments.seed, "Of everything random (default: the config's)");
  command.add_flag("--fast", arguments.fast, "With what [flywheel.fast] changes");
}

}  // namespace

void AddFlywheel(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "flywheel", "The closed loop: battle, select, train, evaluate, stage after stage");
  command.require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& what, auto body) -> auto{
    auto arguments = std::make_shared<FlywheelArguments>();
    CLI::App& sub = *command.add_subcommand(name, what);
    AddJsonOption(sub, arguments->common);
    OnRun(sub, exit, [arguments, body] { return body(*arguments); });
    return std::pair<CLI::App*, FlywheelArguments*>(&sub, arguments.get());
  };
  const auto [run, run_arguments] = add("run", "Run all stages, or continue", RunRun);
  AddSettings(*run, *run_arguments);
  AddFolder(*run, *run_arguments);
  run->add_flag("--retry-errors", run_arguments->retry_errors,
                "Try again what is stored as failed");
  AddMaxCostOption(*run, run_arguments->max_cost_usd);
  run->footer(
      "Running it again continues, also after a kill.\n"
      "Example:\n  arena flywheel run -c examples/mini/arena.toml --workdir run --seed 1 --fast");
  const auto [status, status_arguments] = add("status", "Where a run is", RunStatus);
  AddFolder(*status, *status_arguments);
  status->footer("Example:\n  arena flywheel status --workdir run --json");
  const auto [report, report_arguments] =
      add("report", "Write report.html and report.md of what is finished", RunReport);
  AddFolder(*report, *report_arguments);
  report->footer("Example:\n  arena flywheel report --workdir run");
  const auto [plan, plan_arguments] = add("plan", "What will run and what it costs", RunPlan);
  AddSettings(*plan, *plan_arguments);
  plan->footer("Example:\n  arena flywheel plan -c examples/mini/arena.toml --fast");
  const auto [lineage, lineage_arguments] =
      add("lineage", "Where each checkpoint comes from", RunLineage);
  AddFolder(*lineage, *lineage_arguments);
  lineage->footer("Example:\n  arena flywheel lineage --workdir run");
}

}  // namespace arena
