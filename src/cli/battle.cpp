// `arena battle`: play the battles of an arena.toml, or continue them.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/interrupt.h"
#include "battle/run.h"
#include "cli/assemble.h"
#include "cli/command.h"
#include "cli/progress.h"

namespace arena {
namespace {

struct BattleArguments {
  CommonOptions common;
  std::string store;
  bool retry_errors = false;
};

Json SummaryJson(const BattleRunProgress& run, const std::string& store, std::int64_t seed) {
  return {{"store", store},
          {"seed", seed},
          {"instructions", run.instructions},
          {"duplicate_instructions", run.duplicate_instructions},
          {"battles", run.battles_total},
          {"battles_finished", run.battles_finished},
          {"battles_kept", run.battles_kept},
          {"games_played", run.games_played},
          {"failed_answers", run.failed_answers},
          {"failed_games", run.failed_games},
          {"interrupted", run.interrupted},
          {"failures", run.failures}};
}

std::string SummaryText(const BattleRunProgress& run, const std::string& store) {
  std::string text = fmt::format(
      "{} of {} battles on {} instructions are stored in {}: {} were there before, {} games were "
      "judged now.\n",
      run.battles_finished, run.battles_total, run.instructions, store, run.battles_kept,
      run.games_played);
  if (run.duplicate_instructions > 0) {
    text += fmt::format("{} instructions are repeated in the files and were played once.\n",
                        run.duplicate_instructions);
  }
  if (const auto failed = run.failed_answers + run.failed_games; failed > 0) {
    text += fmt::format("{} answers and {} games failed; their battles are void, not ties:\n",
                        run.failed_answers, run.failed_games);
    for (const std::string& line : run.failures) text += fmt::format("  {}\n", line);
    if (failed > static_cast<std::int64_t>(run.failures.size())) text += "  ...\n";
    text += "Mend the cause, then run again with --retry-errors.\n";
  }
  text += run.interrupted ? "Interrupted. Run the same command again to continue.\n"
                          : fmt::format("Next: arena rank --store {}\n", store);
  return text;
}

Result<Exit> RunBattle(const BattleArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Config config,
                         LoadValidConfig(arguments.common.config, arguments.common.overrides));
  const std::string where = arguments.store.empty() ? config.store.string() : arguments.store;
  ARENA_ASSIGN_OR_RETURN(const auto models, MakeContestants(config));
  ARENA_ASSIGN_OR_RETURN(const auto judge, MakeJudge(config.judge));
  std::vector<ChatModel*> contestants;
  for (const auto& model : models) contestants.push_back(model.get());
  StoreOptions store_options;
  store_options.batch_rows = static_cast<int>(config.batch_rows);
  store_options.batch_time = std::chrono::milliseconds(config.batch_ms);
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStore(where, store_options));
  BattleRunOptions options;
  options.pairing = config.pairing;
  options.categories = config.instructions.categories;
  options.sample = static_cast<std::size_t>(config.instructions.sample);
  options.seed = static_cast<std::uint64_t>(config.seed);
  options.retry_failed = arguments.retry_errors;
  options.threads = static_cast<unsigned>(config.threads);
  InstallInterruptHandler();
  const SystemClock clock;
  Progress progress("battles", clock, arguments.common.json);
  const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) {
    return StreamInstructions(config.instructions, sink);
  };
  const auto show = [&](const BattleRunProgress& run) {
    progress.Update(run.battles_finished, run.battles_total, run.battles_kept);
  };
  auto result = RunBattles(*store, stream, contestants, *judge, options, show);
  progress.Finish();
  if (!result.ok()) return result.error();
  if (arguments.common.json) {
    PrintJson(SummaryJson(*result, where, config.seed));
  } else {
    PrintText(SummaryText(*result, where));
  }
  if (result->interrupted) return Exit::kInterrupted;
  return result->failed_answers + result->failed_games > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace

void AddBattle(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "battle", "Play the battles of an arena.toml; what is stored already is kept");
  auto arguments = std::make_shared<BattleArguments>();
  AddConfigOptions(command, arguments->common);
  command
      .add_option("--store", arguments->store, "Where to keep everything (default: the config's)")
      ->type_name("FILE");
  command.add_flag("--retry-errors", arguments->retry_errors, "Try again what is stored as failed");
  AddJsonOption(command, arguments->common);
  command.footer(
      "Running it again continues: finished answers and games are never asked for twice.\n"
      "Example:\n  arena battle -c examples/gsm8k/arena.toml --store gsm8k.db");
  OnRun(command, exit, [arguments] { return RunBattle(*arguments); });
}

}  // namespace arena
