// `arena generate`: answers of a local checkpoint to a file of conversations.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "chat/generate_file.h"
#include "cli/command.h"
#include "cli/progress.h"

namespace arena {
namespace {

struct GenerateArguments {
  LocalModelOptions model;
  GenerateFileOptions file;
  bool json = false;
};

Json ReportJson(const GenerateFileReport& report, const GenerateArguments& arguments,
                const LoadedModel& model, double seconds) {
  Json json = {{"output", arguments.file.output.string()},
               {"seed", arguments.file.sampling.seed},
               {"mode", arguments.file.fast ? "fast" : "deterministic"},
               {"precision", model.precision},
               {"rows", report.rows},
               {"kept", report.kept},
               {"failed", report.failed},
               {"skipped", report.skipped},
               {"cut", report.cut},
               {"prompt_tokens", report.prompt_tokens},
               {"completion_tokens", report.completion_tokens},
               {"seconds", seconds},
               {"interrupted", report.interrupted},
               {"problems", report.problems}};
  if (arguments.file.fast) {
    json["checked"] = report.checked;
    json["agreeing"] = report.agreeing;
  }
  return json;
}

std::string ReportText(const GenerateFileReport& report, const GenerateArguments& arguments,
                       const LoadedModel& model, double seconds) {
  std::string text = fmt::format(
      "{} rows are in {}: {} were there before, {} new answers of {} tokens in {} ({:.0f} "
      "tokens/s, {}, seed {}).\n",
      report.rows, arguments.file.output.string(), report.kept, report.rows - report.kept,
      report.completion_tokens, FormatDuration(std::chrono::duration<double>(seconds)),
      static_cast<double>(report.completion_tokens) / std::max(seconds, 1e-9), model.precision,
      arguments.file.sampling.seed);
  if (report.cut > 0) {
    text += fmt::format("{} answers reached the limit of tokens and were cut off.\n", report.cut);
  }
  if (report.checked > 0) {
    text += fmt::format("Of the first {} answers, {} are the deterministic mode's.\n",
                        report.checked, report.agreeing);
  }
  if (report.failed + report.skipped > 0) {
    text += fmt::format("{} rows have no answer but `error`, {} were left out:\n", report.failed,
                        report.skipped);
    for (const std::string& problem : report.problems) text += fmt::format("  {}\n", problem);
  }
  if (report.interrupted) text += "Interrupted. Run the same command again to continue.\n";
  return text;
}

Result<Exit> RunGenerate(GenerateArguments arguments) {
  if (arguments.model.pool.workers == 0) arguments.model.pool.workers = DefaultThreads();
  arguments.file.workers = arguments.model.pool.workers;
  arguments.file.max_batch = arguments.model.pool.max_batch;
  arguments.file.cache_mb = arguments.model.pool.cache_mb;
  InstallInterruptHandler();
  ARENA_ASSIGN_OR_RETURN(const auto model, LocalModel::Load(arguments.model));
  const SystemClock clock;
  Progress progress("rows", clock, arguments.json);
  const auto start = clock.Steady();
  auto report = GenerateFile(*model, arguments.file, [&](std::int64_t rows, std::int64_t total) {
    progress.Update(rows, total, 0);
  });
  progress.Finish();
  if (!report.ok()) return report.error();
  const double seconds = std::chrono::duration<double>(clock.Steady() - start).count();
  const LoadedModel& loaded = model->pool().model();
  if (arguments.json) {
    PrintJson(ReportJson(*report, arguments, loaded, seconds));
  } else {
    PrintText(ReportText(*report, arguments, loaded, seconds));
  }
  if (report->interrupted) return Exit::kInterrupted;
  return report->failed + report->skipped > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace

void AddGenerate(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("generate", "Answers of a local checkpoint to a file of conversations");
  auto arguments = std::make_shared<GenerateArguments>();
  LmPoolOptions& pool = arguments->model.pool;
  GenerateFileOptions& file = arguments->file;
  command.add_option("--model", pool.model, "A Hugging Face directory")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--input", file.input,
                  "JSONL; each row has \"messages\" or \"prompt\"; .gz, .zst too")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--output", file.output,
                  "The same rows with the answer appended; continued if it is there")
      ->required()
      ->type_name("FILE");
  command.add_option("--max-new-tokens", file.max_new_tokens, "Default: what the context leaves")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--temperature", file.sampling.temperature,
                  "0 (default): always the most probable token")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--top-k", file.sampling.top_k, "Only the k most probable; 0 (default): all")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--top-p", file.sampling.top_p, "Only the most probable up to this mass")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--min-p", file.sampling.min_p, "Only those with this share of the best's")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--repetition-penalty", file.sampling.repetition_penalty, "1 (default): none")
      ->check(CLI::PositiveNumber);
  command.add_option("--seed", file.sampling.seed, "With the messages it decides each sample");
  command.add_option("--stop", file.stop, "Text that ends an answer (repeat it)");
  command.add_option("--template", arguments->model.chat_template,
                     "A built-in chat template in place of the model's");
  command.add_option("--precision", pool.precision, "auto, f32 or bf16")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  command.add_option("--workers", pool.workers, "Processes (default: one per processor)");
  command.add_option("--max-batch", pool.max_batch, "Conversations at once in each worker")
      ->check(CLI::Range(1, 4096));
  command.add_option("--cache-mb", pool.cache_mb, "Memory for keys and values in each worker")
      ->check(CLI::PositiveNumber);
  command.add_flag("--fast", file.fast,
                   "Rows enter and leave the batch as they come; last bits then depend on the "
                   "company, and the share of equal answers is reported");
  command.add_option("--unit", file.unit, "Rows that run and are written together")
      ->check(CLI::Range(1, 4096));
  command.add_flag("--details", file.details, "Add finish_reason and usage to each row");
  command.add_flag("--skip-bad-rows", file.skip_bad_rows, "Leave rows that are not valid out");
  command.add_flag("--overwrite", file.overwrite, "Start anew where the output exists");
  command.add_flag("--json", arguments->json, "One JSON document on stdout");
  command.footer(
      "Running it again continues. The same input, settings and model give the same bytes.\n"
      "Example:\n  arena generate --model DIR --input questions.jsonl --output answers.jsonl");
  OnRun(command, exit, [arguments] { return RunGenerate(*arguments); });
}

}  // namespace arena
