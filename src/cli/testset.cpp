// `arena testset`: a test set from a pool.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/pool_files.h"
#include "cli/rater_options.h"
#include "curate/raters.h"
#include "curate/test_set_build.h"
#include "report/test_set_report.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

struct TestsetArguments {
  std::vector<std::string> inputs;
  std::string out;
  TestSetSettings settings;
  std::string hard_by;
  std::string category = "own";
  PoolReadOptions read;
  RaterOptions rater;
  CommonOptions common;
};

/// What rates Hard: what --hard-by says, or else what the other options imply.
std::string RatedBy(const TestsetArguments& arguments, bool has_score_column) {
  if (!arguments.hard_by.empty()) return arguments.hard_by;
  if (!arguments.rater.model.empty()) return "difficulty";
  return has_score_column ? "column" : "length";
}

Result<std::unique_ptr<InstructionRater>> MakeRater(const TestsetArguments& arguments,
                                                    bool has_score_column, Raters& raters) {
  const std::string by = RatedBy(arguments, has_score_column);
  if (by == "column") return std::make_unique<RecordedRater>(arguments.read.score_column);
  return raters.Make(by);
}

Result<Exit> RunTestset(TestsetArguments arguments, bool has_score_column) {
  InstallInterruptHandler();
  ARENA_ASSIGN_OR_RETURN(const Config config, LoadValidConfig(GivenConfig(arguments.common),
                                                              arguments.common.overrides));
  // CLI11 has checked the name.
  arguments.settings.category =
      ParseTestCategory(arguments.category).value_or(arguments.settings.category);
  arguments.rater.seed = arguments.settings.seed;
  ARENA_ASSIGN_OR_RETURN(
      PoolFiles pool,
      PoolFiles::Find({arguments.inputs.begin(), arguments.inputs.end()}, arguments.read));
  PoolEndpoints endpoints(arguments.settings.seed, arguments.rater.max_cost_usd,
                          fs::path(arguments.out) / "asked");
  Raters raters(arguments.rater, config, endpoints);
  ARENA_ASSIGN_OR_RETURN(const auto rater, MakeRater(arguments, has_score_column, raters));
  TestSetInputs inputs;
  inputs.pool = pool.Source();
  ARENA_ASSIGN_OR_RETURN(inputs.files, pool.Hashes());
  inputs.rater = rater.get();
  inputs.version = ARENA_VERSION;
  ARENA_ASSIGN_OR_RETURN(const PoolEmbedding embedding, endpoints.MakeEmbedding(config.curate));
  inputs.embedder = embedding.embedder;
  arguments.settings.embedding = embedding.behaviour;
  const auto result =
      BuildTestSet(inputs, arguments.settings, arguments.out, [&](std::string_view doing) {
        if (!arguments.common.json) fmt::print(stderr, "{}\n", doing);
      });
  fmt::print(stderr, "{}", endpoints.Summary());
  if (!result.ok()) return result.error();
  const TestSetReport& report = *result;
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(
      fs::path(arguments.out) / "report.html",
      TestSetHtml(report, pool.report(), DumpJson(TestSetSettingsJson(arguments.settings), 2))));
  PrintProblems(pool.report());
  if (arguments.common.json) {
    PrintJson(TestSetJson(report, pool.report()));
  } else {
    PrintText(TestSetText(report, pool.report()));
    PrintText(fmt::format(
        "Written to {}: diverse.jsonl, hard.jsonl, mix.jsonl, report.html, manifest.json\n",
        arguments.out));
  }
  return pool.report().bad_rows > 0 ? Exit::kFailuresListed : Exit::kDone;
}

void AddChoiceOptions(CLI::App& command, TestsetArguments& arguments) {
  TestSetSettings& settings = arguments.settings;
  command.add_option("--clusters", settings.clusters, "Groups of similar prompts (k-means)")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      .add_option("--diverse", settings.diverse_per_cluster, "Prompts of each cluster in Diverse")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command
      .add_option("--candidates", settings.candidates_per_cluster,
                  "Other prompts of each cluster that are rated for Hard")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--hard", settings.hard, "The best rated of them all, in Hard")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--hard-by", arguments.hard_by,
                  "length, column (see --score-column), difficulty, tags or ifd (need --rater); "
                  "default: difficulty with --rater, column with --score-column, else length")
      ->check(CLI::IsMember({"length", "column", "difficulty", "tags", "ifd"}));
  command
      .add_option("--category", arguments.category,
                  "What leaderboards by category go by: the item's own, or its cluster")
      ->check(CLI::IsMember({"own", "cluster"}))
      ->capture_default_str();
  command.add_option("--seed", settings.seed, "Of clusters and draws")->capture_default_str();
  command.add_option("--threads", settings.threads, "Default: all processors");
}

}  // namespace

void AddTestset(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "testset", "A test set from a pool: varied prompts (Diverse), hard ones (Hard), both (Mix)");
  auto arguments = std::make_shared<TestsetArguments>();
  command.add_option("--input", arguments->inputs, "Files or directories of the pool")
      ->required()
      ->type_name("FILE");
  command.add_option("--out", arguments->out, "Where the results go")->required()->type_name("DIR");
  AddChoiceOptions(command, *arguments);
  const CLI::Option* score_column =
      command
          .add_option("--score-column", arguments->read.score_column,
                      "A number of the data that says how hard a prompt is")
          ->type_name("NAME");
  AddRaterOptions(command, arguments->rater);
  command.add_flag("--skip-bad-rows", arguments->read.rows.skip_bad_rows,
                   "Leave rows that are not valid out instead of stopping at the first");
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer(
      "The configuration is read if -c names one: its [curate] says what embeds the pool in place "
      "of\n"
      "the built-in embedding, and --rater may be one of its contestants.\n"
      "Then `arena curate --test-set OUT/mix.jsonl` keeps it, and what resembles it, out of the "
      "shards.\n"
      "Example:\n  arena testset --input pool/ --out test --clusters 100 --hard 200");
  OnRun(command, exit,
        [arguments, score_column] { return RunTestset(*arguments, score_column->count() > 0); });
}

}  // namespace arena
