// `arena curate`: from a raw pool to clean shards.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/progress.h"
#include "curate/curation.h"
#include "formats/pool.h"
#include "report/curation_report.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

struct CurateArguments {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::vector<std::string> benchmarks;
  std::string out;
  bool skip_bad_rows = false;
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
  curate.read.skip_bad_rows = curate.read.skip_bad_rows || arguments.skip_bad_rows;
  if (curate.inputs.empty()) {
    return InvalidInput(
        "there is nothing to curate: name files with --input, or with inputs in "
        "[curate] of the configuration");
  }
  return curate;
}

Result<std::vector<InputFile>> HashFiles(const std::vector<fs::path>& files) {
  std::vector<InputFile> hashed;
  for (const fs::path& file : files) {
    ARENA_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file));
    hashed.push_back({file.string(), HashBytes(mapped.bytes())});
  }
  return hashed;
}

/// A pool of files, read again for every pass.
class PoolFiles {
 public:
  PoolFiles(std::vector<fs::path> files, const ReadOptions& read)
      : files_(std::move(files)), read_(read) {}

  Status Read(PoolSink sink) {
    auto report = ReadPool(files_, read_, [&](const PoolItem& item) -> Status {
      if (Interrupted()) {
        return Cancelled(
            "interrupted; run the same command again to continue after the last step "
            "that is finished");
      }
      return sink(item);
    });
    if (!report.ok()) return report.error();
    report_ = *std::move(report);
    return {};
  }

  const std::vector<fs::path>& files() const { return files_; }
  const ReadReport& report() const { return report_; }

 private:
  std::vector<fs::path> files_;
  ReadOptions read_;
  ReadReport report_;
};

Result<std::vector<BenchmarkItem>> ReadBenchmark(PoolFiles& files) {
  std::vector<BenchmarkItem> benchmark;
  ARENA_RETURN_IF_ERROR(files.Read([&](const PoolItem& item) -> Status {
    benchmark.push_back({item.id,
                         fmt::format("{}:{}", files.files()[item.file].string(), item.line),
                         PromptText(item.conversation)});
    return {};
  }));
  return benchmark;
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
  ARENA_ASSIGN_OR_RETURN(std::vector<fs::path> input_files, ListPoolFiles(config.inputs));
  ARENA_ASSIGN_OR_RETURN(std::vector<fs::path> benchmark_files, ListPoolFiles(config.benchmarks));
  PoolFiles pool(std::move(input_files), config.read);
  PoolFiles benchmark(std::move(benchmark_files), config.read);
  CurationInputs inputs;
  inputs.version = ARENA_VERSION;
  inputs.pool = [&pool](PoolSink sink) { return pool.Read(sink); };
  ARENA_ASSIGN_OR_RETURN(inputs.files, HashFiles(pool.files()));
  ARENA_ASSIGN_OR_RETURN(inputs.benchmark_files, HashFiles(benchmark.files()));
  ARENA_ASSIGN_OR_RETURN(inputs.benchmark, ReadBenchmark(benchmark));
  ARENA_ASSIGN_OR_RETURN(
      const CurationReport report,
      RunCuration(inputs, config.settings, arguments.out, [&](CurationStep step) {
        if (!arguments.common.json) fmt::print(stderr, "step {}\n", CurationStepName(step));
      }));
  ReadReport read = pool.report();
  read.bad_rows += benchmark.report().bad_rows;
  const std::string settings = DumpJson(SettingsJson(config.settings), 2);
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(fs::path(arguments.out) / "report.html",
                                        CurationHtml(report, read, settings)));
  for (const std::string& problem : read.problems) fmt::print(stderr, "{}\n", problem);
  for (const std::string& problem : benchmark.report().problems) {
    fmt::print(stderr, "{}\n", problem);
  }
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
  command.add_option("--out", arguments->out, "Where the results go; a run there is continued")
      ->required()
      ->type_name("DIR");
  command.add_flag("--skip-bad-rows", arguments->skip_bad_rows,
                   "Leave rows that are not valid out instead of stopping at the first");
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
