// `arena battle`: play the battles of an arena.toml, or continue them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/clock.h"
#include "base/interrupt.h"
#include "battle/adaptive.h"
#include "battle/plan.h"
#include "battle/run.h"
#include "cli/assemble.h"
#include "cli/command.h"
#include "cli/ledger_text.h"
#include "cli/network.h"
#include "cli/progress.h"
#include "report/flywheel_report.h"
#include "report/numbers.h"

namespace arena {
namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kWorthAFigure = 10;  // seconds

struct BattleArguments {
  CommonOptions common;
  std::string store;
  bool retry_errors = false;
  bool dry_run = false;
  double max_cost_usd = std::numeric_limits<double>::infinity();
  double until_width = 0;  // 0: all battles are played
};

/// What a run needs, made from the configuration.
struct BattleParts {
  Config config;
  std::string store;
  std::unique_ptr<Network> network;  // before what uses it
  std::vector<std::unique_ptr<ChatModel>> models;
  std::unique_ptr<Judge> judge;
  std::vector<ChatModel*> contestants;
  BattleRunOptions options;
  double until_width = 0;  ///< 0: all battles are played
};

Json SummaryJson(const BattleRunProgress& run, const BattleParts& parts, const Json& ledger) {
  return {{"store", parts.store},
          {"seed", parts.config.seed},
          {"instructions", run.instructions},
          {"duplicate_instructions", run.duplicate_instructions},
          {"battles", run.battles_total},
          {"battles_finished", run.battles_finished},
          {"battles_kept", run.battles_kept},
          {"answers_asked", run.answers_asked},
          {"games_played", run.games_played},
          {"failed_answers", run.failed_answers},
          {"failed_games", run.failed_games},
          {"interrupted", run.interrupted},
          {"stopped", run.stopped},
          {"failures", run.failures},
          {"failed_by_kind", run.failed_by_kind},
          {"requests", parts.network->counts().requests},
          {"spent_usd", parts.network->budget().spent()},
          {"ledger", ledger}};
}

// "3 length, 1 unparsable".
std::string KindsText(const BattleRunProgress& run) {
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : run.failed_by_kind) {
    kinds.push_back(fmt::format("{} {}", count, kind));
  }
  return fmt::format("{}", fmt::join(kinds, ", "));
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
    text += fmt::format("{} answers and {} games failed ({}); their battles are void, not ties:\n",
                        run.failed_answers, run.failed_games, KindsText(run));
    for (const std::string& line : run.failures) text += fmt::format("  {}\n", line);
    if (failed > static_cast<std::int64_t>(run.failures.size())) text += "  ...\n";
    text += "Mend the cause, then run again with --retry-errors.\n";
  }
  text +=
      run.interrupted
          ? fmt::format("Ended early: {}. Run the same command again to continue.\n", run.stopped)
          : fmt::format("Next: arena rank --store {}\n", store);
  return text;
}

// What was played now, in what time and for how much.
struct Efficiency {
  double battles = 0;
  double hours = 0;
  double usd = 0;

  double PerHour() const { return hours > 0 ? battles / hours : 0; }
};

Json EfficiencyJson(const Efficiency& now) {
  return {{"seconds", now.hours * kSecondsPerHour},
          {"battles", now.battles},
          {"battles_per_hour", now.PerHour()},
          {"usd_per_battle", now.battles > 0 ? now.usd / now.battles : 0},
          {"human_battles_per_hour", kHumanBattlesPerHour}};
}

std::string EfficiencyText(const Efficiency& now) {
  if (now.battles == 0 || now.hours * kSecondsPerHour < kWorthAFigure) return "";
  std::string text = fmt::format("{} battles an hour", CountNumber(std::round(now.PerHour())));
  if (now.usd > 0) text += fmt::format(", {:.5f} USD a battle", now.usd / now.battles);
  return text + fmt::format("; a person who reads and votes makes about {:g} an hour.\n",
                            kHumanBattlesPerHour);
}

Result<BattleParts> MakeParts(const BattleArguments& arguments) {
  BattleParts parts;
  ARENA_ASSIGN_OR_RETURN(parts.config,
                         LoadValidConfig(arguments.common.config, arguments.common.overrides));
  const Config& config = parts.config;
  parts.until_width = arguments.until_width;
  parts.store = arguments.store.empty() ? config.store.string() : arguments.store;
  parts.network = std::make_unique<Network>(static_cast<std::uint64_t>(config.seed),
                                            arguments.max_cost_usd, parts.store + ".batches");
  ARENA_ASSIGN_OR_RETURN(parts.models, MakeContestants(config, *parts.network));
  ARENA_ASSIGN_OR_RETURN(parts.judge, MakeJudge(config.judge, *parts.network));
  BattleRunOptions& options = parts.options;
  for (const auto& model : parts.models) parts.contestants.push_back(model.get());
  options.pairing = config.pairing;
  options.categories = config.instructions.categories;
  options.sample = static_cast<std::size_t>(config.instructions.sample);
  options.seed = static_cast<std::uint64_t>(config.seed);
  options.retry_failed = arguments.retry_errors;
  options.threads = static_cast<unsigned>(config.threads);
  return parts;
}

Json EstimateJson(const CallEstimate& estimate) {
  return {
      {"calls", estimate.calls},
      {"prompt_tokens", estimate.prompt_tokens},
      {"completion_tokens_at_most", estimate.most_completion_tokens},
      {"cost_usd_at_most", estimate.most_cost_usd ? Json(*estimate.most_cost_usd) : Json(nullptr)}};
}

std::string EstimateText(const char* who, const CallEstimate& estimate) {
  if (estimate.calls == 0) return "";
  return fmt::format(
      "{}: {} calls, about {} prompt tokens, at most {} completion tokens, {}.\n", who,
      estimate.calls, estimate.prompt_tokens, estimate.most_completion_tokens,
      estimate.most_cost_usd
          ? fmt::format("at most {:.4f} USD", *estimate.most_cost_usd)
          : std::string("a cost without limit (there is a price and no max_tokens)"));
}

void PrintPlan(const BattlePlan& plan, bool as_json) {
  CallEstimate all = plan.contestants;
  all.Add(plan.judge);
  if (as_json) {
    Json json = {{"instructions", plan.instructions},
                 {"battles", plan.battles},
                 {"answers", plan.answers},
                 {"games_at_most", plan.games_at_most}};
    json.update(EstimateJson(all));
    json["contestants"] = EstimateJson(plan.contestants);
    json["judge"] = EstimateJson(plan.judge);
    return PrintJson(json);
  }
  std::string text = fmt::format(
      "{} battles on {} instructions: {} answers to ask for, at most {} games to judge.\n",
      plan.battles, plan.instructions, plan.answers, plan.games_at_most);
  text += EstimateText("Contestants", plan.contestants);
  text += EstimateText("Judge", plan.judge);
  if (all.calls > 0) {
    text += "Each call with one attempt; costs count each byte of a prompt as a token.\n";
  } else {
    text += "No endpoint is asked.\n";
  }
  PrintText(text);
}

Result<Exit> DryRun(const BattleParts& parts, bool as_json) {
  std::unique_ptr<Store> store;
  if (std::filesystem::exists(parts.store)) {
    ARENA_ASSIGN_OR_RETURN(store, OpenStoreForReading(parts.store));
  }
  const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) {
    return StreamInstructions(parts.config.instructions, sink);
  };
  ARENA_ASSIGN_OR_RETURN(const BattlePlan plan, PlanBattles(store.get(), stream, parts.contestants,
                                                            *parts.judge, parts.options));
  PrintPlan(plan, as_json);
  return Exit::kDone;
}

std::string SpendNote(const BattleRunProgress& run, const Network& network) {
  std::string note = fmt::format("{} answers, {} games", run.answers_asked, run.games_played);
  if (const ClientCounts counts = network.counts(); counts.requests > 0) {
    note += fmt::format(", {} requests", counts.requests);
    if (network.budget().spent() > 0) note += fmt::format(", {:.4f} USD", network.budget().spent());
  }
  if (!run.failed_by_kind.empty()) note += fmt::format(", failed: {}", KindsText(run));
  return note;
}

// "width 63 after 4 rounds".
std::string WidthNote(const AdaptiveProgress& now) {
  if (!std::isfinite(now.width)) return "first round";
  return fmt::format("mean width {:.1f} after {} rounds", now.width, now.rounds);
}

Result<AdaptiveProgress> Play(const BattleParts& parts, bool quiet) {
  StoreOptions store_options;
  store_options.batch_rows = static_cast<int>(parts.config.batch_rows);
  store_options.batch_time = std::chrono::milliseconds(parts.config.batch_ms);
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStore(parts.store, store_options));
  InstallInterruptHandler();
  const SystemClock clock;
  Progress progress("battles", clock, quiet);
  const auto stream = [&](FunctionRef<Status(Instruction &&)> sink) {
    return StreamInstructions(parts.config.instructions, sink);
  };
  const auto show = [&](const BattleRunProgress& run) {
    progress.Update(run.battles_finished, run.battles_total, run.battles_kept,
                    SpendNote(run, *parts.network));
  };
  if (parts.until_width > 0) {
    const AdaptiveOptions options{parts.options, parts.config.outcome, parts.until_width};
    auto result = RunAdaptiveBattles(
        *store, stream, parts.contestants, *parts.judge, options, [&](const AdaptiveProgress& now) {
          progress.Update(
              now.run.battles_finished, now.run.battles_total, now.run.battles_kept,
              fmt::format("{}, {}", WidthNote(now), SpendNote(now.run, *parts.network)));
        });
    progress.Finish();
    return result;
  }
  AdaptiveProgress all;
  ARENA_ASSIGN_OR_RETURN(
      all.run, RunBattles(*store, stream, parts.contestants, *parts.judge, parts.options, show));
  progress.Finish();
  return all;
}

Result<Exit> RunBattle(const BattleArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const BattleParts parts, MakeParts(arguments));
  if (arguments.dry_run) return DryRun(parts, arguments.common.json);
  const auto start = std::chrono::steady_clock::now();
  ARENA_ASSIGN_OR_RETURN(const AdaptiveProgress played, Play(parts, arguments.common.json));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const BattleRunProgress& run = played.run;
  const Efficiency efficiency{static_cast<double>(run.battles_finished - run.battles_kept),
                              seconds.count() / kSecondsPerHour, parts.network->budget().spent()};
  ARENA_ASSIGN_OR_RETURN(const auto ledger, ReadLedger(parts.store));
  if (arguments.common.json) {
    Json summary = SummaryJson(run, parts, LedgerJson(ledger));
    summary["efficiency"] = EfficiencyJson(efficiency);
    if (parts.until_width > 0) summary["rounds"] = played.rounds;
    if (std::isfinite(played.width)) summary["mean_interval_width"] = played.width;
    PrintJson(summary);
  } else {
    if (parts.network->counts().requests > 0) PrintText(LedgerText(ledger, StdoutTableStyle()));
    if (std::isfinite(played.width)) {
      PrintText(
          fmt::format("The 95% intervals are {:.1f} rating points wide on average, after {} "
                      "rounds; {:g} was wished for.\n",
                      played.width, played.rounds, parts.until_width));
    }
    PrintText(EfficiencyText(efficiency) + SummaryText(run, parts.store));
  }
  if (run.interrupted) return Exit::kInterrupted;
  return run.failed_answers + run.failed_games > 0 ? Exit::kFailuresListed : Exit::kDone;
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
  command.add_flag("--dry-run", arguments->dry_run,
                   "Ask for nothing; say how many calls, tokens and dollars a run takes");
  AddMaxCostOption(command, arguments->max_cost_usd);
  command
      .add_option("--until-width", arguments->until_width,
                  "Play the battles that tell most, until the 95% intervals are so many rating "
                  "points wide on average")
      ->check(CLI::PositiveNumber)
      ->type_name("POINTS");
  AddJsonOption(command, arguments->common);
  command.footer(
      "Running it again continues: finished answers and games are never asked for twice.\n"
      "Example:\n  arena battle -c examples/gsm8k/arena.toml --store gsm8k.db");
  OnRun(command, exit, [arguments] { return RunBattle(*arguments); });
}

}  // namespace arena
