// `arena curate`: from a raw pool to clean shards.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/pool_endpoints.h"
#include "cli/pool_files.h"
#include "curate/curation.h"
#include "report/curation_report.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

struct CurateArguments {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::vector<std::string> benchmarks;
  std::vector<std::string> test_sets;
  std::string out;
  bool skip_bad_rows = false;
  double max_cost_usd = std::numeric_limits<double>::infinity();
};

/// The settings of the configuration (of the defaults, without one) and of the command line.
Result<CurateConfig> LoadSettings(const CurateArguments& arguments) {
  const bool has_config = arguments.common.config_given || arguments.inputs.empty();
  ARENA_ASSIGN_OR_RETURN(
      const Config config,
      LoadValidConfig(has_config ? arguments.common.config : "", arguments.common.overrides));
  CurateConfig curate = config.curate;
  if (!arguments.inputs.empty()) {
    curate.inputs.assign(arguments.inputs.begin(), arguments.inputs.end());
  }
  if (!arguments.benchmarks.empty()) {
    curate.benchmarks.assign(arguments.benchmarks.begin(), arguments.benchmarks.end());
  }
  if (!arguments.test_sets.empty()) {
    curate.test_sets.assign(arguments.test_sets.begin(), arguments.test_sets.end());
  }
  curate.read.rows.skip_bad_rows = curate.read.rows.skip_bad_rows || arguments.skip_bad_rows;
  if (curate.inputs.empty()) {
    return InvalidInput(
        "there is nothing to curate: name files with --input, or with inputs in "
        "[curate] of the configuration");
  }
  return curate;
}

Status ReadBenchmark(PoolFiles& files, std::vector<BenchmarkItem>& benchmark) {
  return files.Read([&](const PoolItem& item) -> Status {
    benchmark.push_back({item.id, files.PlaceOf(item), PromptText(item.conversation)});
    return {};
  });
}

bool Runs(const CurationSettings& settings, CurationStep step) {
  return std::find(settings.steps.begin(), settings.steps.end(), step) != settings.steps.end();
}

/// Makes what the steps ask, and notes in the settings what can change its answers.
Status ConnectEndpoints(const CurateConfig& config, PoolEndpoints& endpoints,
                        CurationSettings& settings, CurationInputs& inputs) {
  if (config.moderation && Runs(settings, CurationStep::kUnsafe)) {
    ARENA_ASSIGN_OR_RETURN(EndpointModerator* const moderator,
                           endpoints.MakeModerator(*config.moderation));
    settings.unsafe.moderator = moderator;
    settings.moderation = moderator->behaviour();
  }
  if (Runs(settings, CurationStep::kNeighbours) && !inputs.benchmark.empty()) {
    ARENA_ASSIGN_OR_RETURN(PoolEmbedding embedding, endpoints.MakeEmbedding(config));
    inputs.embedder = embedding.embedder;
    settings.embedding = std::move(embedding.behaviour);
  }
  return {};
}

Result<Exit> RunCurate(const CurateArguments& arguments) {
  InstallInterruptHandler();
  ARENA_ASSIGN_OR_RETURN(CurateConfig config, LoadSettings(arguments));
  std::optional<PatternSet> patterns;
  if (!config.unsafe_patterns.empty()) {
    ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(config.unsafe_patterns));
    ARENA_ASSIGN_OR_RETURN(patterns, PatternSet::Parse(config.unsafe_patterns.string(), text));
    config.settings.unsafe.patterns = &*patterns;
    config.settings.patterns_hash = HashBytes(text);
  }
  ARENA_ASSIGN_OR_RETURN(PoolFiles pool, PoolFiles::Find(config.inputs, config.read));
  ARENA_ASSIGN_OR_RETURN(PoolFiles benchmark, PoolFiles::Find(config.benchmarks, config.read));
  ARENA_ASSIGN_OR_RETURN(PoolFiles test_sets, PoolFiles::Find(config.test_sets, config.read));
  CurationInputs inputs;
  inputs.version = ARENA_VERSION;
  inputs.pool = pool.Source();
  ARENA_ASSIGN_OR_RETURN(inputs.files, pool.Hashes());
  ARENA_ASSIGN_OR_RETURN(inputs.benchmark_files, benchmark.Hashes());
  ARENA_ASSIGN_OR_RETURN(inputs.test_set_files, test_sets.Hashes());
  ARENA_RETURN_IF_ERROR(ReadBenchmark(test_sets, inputs.benchmark));
  inputs.test_items = inputs.benchmark.size();
  ARENA_RETURN_IF_ERROR(ReadBenchmark(benchmark, inputs.benchmark));
  PoolEndpoints endpoints(config.settings.split.seed, arguments.max_cost_usd,
                          fs::path(arguments.out) / "asked");
  ARENA_RETURN_IF_ERROR(ConnectEndpoints(config, endpoints, config.settings, inputs));
  const auto result = RunCuration(inputs, config.settings, arguments.out, [&](CurationStep step) {
    if (!arguments.common.json) fmt::print(stderr, "step {}\n", CurationStepName(step));
  });
  fmt::print(stderr, "{}", endpoints.Summary());
  if (!result.ok()) return result.error();
  const CurationReport& report = *result;
  ReadReport read = pool.report();
  read.bad_rows += benchmark.report().bad_rows + test_sets.report().bad_rows;
  const std::string settings = DumpJson(SettingsJson(config.settings), 2);
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(fs::path(arguments.out) / "report.html",
                                        CurationHtml(report, read, settings)));
  for (const PoolFiles* files : {&pool, &benchmark, &test_sets}) PrintProblems(files->report());
  if (arguments.common.json) {
    PrintJson(CurationJson(report, read));
  } else {
    PrintText(CurationText(report, read, StdoutTableStyle()));
    PrintText(fmt::format("Written to {}: shards/, removed.jsonl, report.html, manifest.json\n",
                          arguments.out));
  }
  return read.bad_rows > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace

void AddCurate(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "curate", "Filter, deduplicate, decontaminate and split a pool of instructions into shards");
  auto arguments = std::make_shared<CurateArguments>();
  command.add_option("--input", arguments->inputs, "Files or directories of the pool")
      ->type_name("FILE");
  command
      .add_option("--benchmark", arguments->benchmarks,
                  "Files whose items, and what is near them, must not be in the pool")
      ->type_name("FILE");
  command
      .add_option("--test-set", arguments->test_sets,
                  "Files of a test set: its items, and what resembles them, leave the pool")
      ->type_name("FILE");
  command.add_option("--out", arguments->out, "Where the results go; a run there is continued")
      ->required()
      ->type_name("DIR");
  command.add_flag("--skip-bad-rows", arguments->skip_bad_rows,
                   "Leave rows that are not valid out instead of stopping at the first");
  AddMaxCostOption(command, arguments->max_cost_usd);
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer(
      "Settings are in the table [curate] of the configuration; --set overrides them. With "
      "--input\n"
      "the configuration is not read unless -c names one.\n"
      "Example:\n  arena curate --input pool/ --benchmark questions.jsonl --out curated \\\n"
      "    --set curate.near_threshold=0.5 --set curate.stratify=category");
  OnRun(command, exit, [arguments] { return RunCurate(*arguments); });
}

}  // namespace arena
