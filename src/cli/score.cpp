// `arena score`: scores of instructions as columns of a file.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/pool_files.h"
#include "cli/progress.h"
#include "cli/rater_options.h"
#include "curate/score_pool.h"

namespace arena {
namespace {

struct ScoreArguments {
  std::vector<std::string> inputs;
  std::string out;
  std::vector<std::string> columns;
  PoolReadOptions read;
  RaterOptions rater;
  CommonOptions common;
};

Json ScoreJson(const ScorePoolReport& report, const ReadReport& read, const std::string& out) {
  Json columns = Json::array();
  for (const ScoredColumn& column : report.columns) {
    columns.push_back({{"name", column.name},
                       {"rater", column.rater},
                       {"rated", column.rated},
                       {"least", column.least},
                       {"mean", column.mean},
                       {"most", column.most}});
  }
  return {{"output", out},
          {"items", report.items},
          {"bad_rows", read.bad_rows},
          {"problems", read.problems},
          {"columns", std::move(columns)}};
}

std::string ScoreText(const ScorePoolReport& report, const std::string& out) {
  std::string text = fmt::format("{} items are in {}.\n", report.items, out);
  for (const ScoredColumn& column : report.columns) {
    text += fmt::format("  {:<10} {} rated", column.name, column.rated);
    if (column.rated > 0) {
      text += fmt::format("; from {:.4g} to {:.4g}, mean {:.4g}", column.least, column.most,
                          column.mean);
    }
    if (column.rated < report.items) {
      text += fmt::format("; {} without", report.items - column.rated);
    }
    text += "\n";
  }
  return text;
}

Result<Exit> RunScore(const ScoreArguments& arguments) {
  InstallInterruptHandler();
  ARENA_ASSIGN_OR_RETURN(
      PoolFiles pool,
      PoolFiles::Find({arguments.inputs.begin(), arguments.inputs.end()}, arguments.read));
  std::vector<std::string> names;
  for (const auto& file : pool.files()) names.push_back(file.string());
  ARENA_ASSIGN_OR_RETURN(const Config config, LoadValidConfig(GivenConfig(arguments.common),
                                                              arguments.common.overrides));
  PoolEndpoints endpoints(arguments.rater.seed, arguments.rater.max_cost_usd,
                          arguments.out + ".asked");
  Raters raters(arguments.rater, config, endpoints);
  std::vector<std::unique_ptr<InstructionRater>> made;
  std::vector<ScoreColumn> columns;
  for (const std::string& name : arguments.columns) {
    ARENA_ASSIGN_OR_RETURN(auto rater, raters.Make(name));
    columns.push_back({name, rater.get()});
    made.push_back(std::move(rater));
  }
  const SystemClock clock;
  Progress progress("items", clock, arguments.common.json);
  const auto report =
      ScorePool(pool.Source(), names, columns, arguments.out,
                [&](std::int64_t items) { progress.Show(fmt::format("{} items", items)); });
  progress.Finish();
  if (!report.ok()) return report.error();
  PrintProblems(pool.report());
  if (arguments.common.json) {
    PrintJson(ScoreJson(*report, pool.report(), arguments.out));
  } else {
    PrintText(ScoreText(*report, arguments.out));
  }
  return pool.report().bad_rows > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace

void AddScore(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "score", "Add columns to a pool: length, difficulty, number of tags, IFD");
  auto arguments = std::make_shared<ScoreArguments>();
  command.add_option("--input", arguments->inputs, "Files or directories of the pool")
      ->required()
      ->type_name("FILE");
  command.add_option("--out", arguments->out, "JSONL: the items with their scores")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--add", arguments->columns,
                  "length, difficulty, tags, ifd; all but length need --rater")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember({"length", "difficulty", "tags", "ifd"}));
  AddRaterOptions(command, arguments->rater);
  command.add_option("--seed", arguments->rater.seed, "Of the replies")->capture_default_str();
  command.add_flag("--skip-bad-rows", arguments->read.rows.skip_bad_rows,
                   "Leave rows that are not valid out instead of stopping at the first");
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer(
      "The file is a pool for `arena testset --score-column` and `arena curate`, and scores for\n"
      "`arena select --scores`.\n"
      "Example:\n  arena score --input pool.jsonl --out scored.jsonl --add length,ifd --rater DIR");
  OnRun(command, exit, [arguments] { return RunScore(*arguments); });
}

}  // namespace arena
