// `arena train`: text data to token data, the trainer's processes, and what came of them.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/interrupt.h"
#include "chat/training_job.h"
#include "chat/training_run.h"
#include "cli/command.h"
#include "cli/train_report.h"

namespace arena {
namespace {

struct TrainArguments {
  TrainingJobOptions job;
  std::string format = "auto";
  std::string too_long = "skip";
  unsigned workers = 1;
  bool json = false;
};

/// What a launcher such as torchrun says in the environment.
struct Launch {
  int rank = -1;  ///< -1: there is none
  int world_size = 1;
};

Result<int> NumberOfEnvironment(const char* name) {
  const std::string_view text = std::getenv(name);
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  return InvalidInput(fmt::format("the environment's {}={} should be a number", name, text));
}

Result<Launch> FindLaunch() {
  Launch launch;
  const bool has_rank = std::getenv("RANK") != nullptr;
  if (has_rank != (std::getenv("WORLD_SIZE") != nullptr)) {
    return InvalidInput("of RANK and WORLD_SIZE only one is in the environment: set both or none");
  }
  if (!has_rank) return launch;
  ARENA_ASSIGN_OR_RETURN(launch.rank, NumberOfEnvironment("RANK"));
  ARENA_ASSIGN_OR_RETURN(launch.world_size, NumberOfEnvironment("WORLD_SIZE"));
  if (launch.rank < launch.world_size) return launch;
  return InvalidInput(
      fmt::format("RANK={} should be below WORLD_SIZE={}", launch.rank, launch.world_size));
}

Status CheckLaunch(const Launch& launch, const TrainArguments& arguments) {
  if (launch.rank < 0) return {};
  if (arguments.workers > 1) {
    return InvalidInput(
        "RANK and WORLD_SIZE are set: the launcher starts the ranks, not --workers");
  }
  if (arguments.job.overwrite && launch.world_size > 1) {
    return InvalidInput("--overwrite is for one process; remove the folder before the ranks start");
  }
  return {};
}

Result<Exit> RunTrain(TrainArguments arguments) {
  ARENA_ASSIGN_OR_RETURN(const Launch launch, FindLaunch());
  ARENA_RETURN_IF_ERROR(CheckLaunch(launch, arguments));
  TrainingJobOptions& options = arguments.job;
  options.rank = std::max(launch.rank, 0);
  options.format = *ParseTrainingFormat(arguments.format);
  options.too_long = arguments.too_long == "cut"     ? TooLong::kCut
                     : arguments.too_long == "error" ? TooLong::kError
                                                     : TooLong::kSkip;
  InstallInterruptHandler();
  const SystemClock clock;
  const bool is_first = launch.rank <= 0;
  TrainingLog log(clock, arguments.json || !is_first);
  ARENA_ASSIGN_OR_RETURN(
      const PreparedTraining prepared,
      PrepareTraining(options, [&log](std::int64_t rows) { log.RowsRead(rows); }));
  for (const std::string& warning : prepared.warnings) log.Warn(warning);
  ARENA_ASSIGN_OR_RETURN(const TrainingRunEnd end,
                         RunTraining({.job = prepared.job,
                                      .log_folder = prepared.log_folder,
                                      .ranks = arguments.workers,
                                      .launched_rank = launch.rank},
                                     [&log](const Json& event) { log.Take(event); }));
  const Exit exit = end.interrupted ? Exit::kInterrupted : Exit::kDone;
  if (!is_first) return exit;
  if (!end.interrupted) ARENA_RETURN_IF_ERROR(CopyTokenizer(options, prepared));
  if (arguments.json) {
    PrintJson(TrainingReportJson(options, prepared, end, log));
  } else {
    PrintText(TrainingReportText(options, prepared, end, log));
  }
  return exit;
}

constexpr std::string_view kCommonSettings =
    "Settings of all trainers (--set KEY=VALUE):\n"
    "  length      epochs, steps, batch_size, micro_batch_tokens, max_tokens, seed\n"
    "  optimizer   learning_rate, schedule (constant, linear, cosine), warmup_steps, "
    "weight_decay,\n"
    "              beta1, beta2, epsilon, max_grad_norm\n"
    "  numbers     precision (auto, f32, bf16), activation_checkpointing, save_dtype\n"
    "  files       save_every, keep_checkpoints, eval_every\n"
    "  LoRA        lora_rank, lora_alpha, lora_targets, lora_merge\n";

/// What the help of a trainer says.
struct TrainerHelp {
  Trainer trainer;
  std::string_view what;
  std::string_view data;
  std::string_view settings;
  std::string_view example;
};

constexpr TrainerHelp kTrainers[] = {
    {Trainer::kSft, "Learn answers", "Conversations, prompts with answers, or text", "",
     "arena train sft --model DIR --data chats.jsonl --out DIR --set epochs=3"},
    {Trainer::kDpo, "Learn from preferences", "Chosen and rejected answers",
     "  dpo         beta, label_smoothing, length_normalised, sft_weight\n",
     "arena train dpo --model DIR --data pairs.jsonl --out DIR --set beta=0.1"},
    {Trainer::kRewardModel, "A reward model from preferences", "Chosen and rejected answers",
     "  rm          likelihood_weight, likelihood_loss_weight, likelihood_floor, center_weight\n",
     "arena train rm --model DIR --data pairs.jsonl --eval-data held-out.jsonl --out DIR"},
    {Trainer::kPpo, "Raise a reward model's score", "Prompts",
     "  ppo         rollout_batch, samples_per_prompt, ppo_epochs, minibatch, temperature,\n"
     "              max_new_tokens, gamma, lambda, clip, value_clip, value_learning_rate,\n"
     "              value_model (own, shared), kl_coefficient, kl_target, kl_horizon, max_kl,\n"
     "              reward_clip, reward_normalisation, missing_eos_penalty, ptx_weight\n",
     "arena train ppo --model DIR --reward-model DIR --data prompts.jsonl --out DIR"},
};

void AddOptions(CLI::App& command, TrainArguments& arguments, const TrainerHelp& help) {
  TrainingJobOptions& job = arguments.job;
  command.add_option("--model", job.model, "A Hugging Face directory")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--data", job.data,
                  fmt::format("{}; JSON or JSONL, .gz, .zst too (repeat it)", help.data))
      ->required()
      ->type_name("FILE");
  command.add_option("--out", job.out, "The trained model; continued if it holds this training")
      ->required()
      ->type_name("DIR");
  if (help.trainer == Trainer::kPpo) {
    command.add_option("--reward-model", job.reward_model, "From arena train rm")
        ->required()
        ->type_name("DIR");
    command.add_option("--ptx-data", job.ptx_data, "Answers to learn beside (ptx_weight)")
        ->type_name("FILE");
  }
  command.add_option("--eval-data", job.eval_data, "Held out; rows as those of --data")
      ->type_name("FILE");
  command.add_option("--set", job.settings, "A setting of the trainer (repeat it)")
      ->type_name("KEY=VALUE");
  command.add_option("--format", arguments.format, "Whose rows (default: each by its members)")
      ->check(CLI::IsMember({"auto", "openai", "sharegpt", "alpaca", "trl", "openrlhf"}));
  command.add_option("--template", job.chat_template,
                     "A built-in chat template in place of the model's; none: prompts and answers "
                     "stand as they are");
  command
      .add_option("--too-long", arguments.too_long,
                  "Rows of more tokens than the context or max_tokens: skip (default), cut, error")
      ->check(CLI::IsMember({"skip", "cut", "error"}));
  command.add_flag("--skip-bad-rows", job.skip_bad_rows, "Leave rows that are not valid out");
  command.add_option("--workers", arguments.workers, "Processes that share each batch (default 1)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--overwrite", job.overwrite, "Start anew where --out holds a training");
  command.add_flag("--json", arguments.json, "One JSON document on stdout");
}

}  // namespace

void AddTrain(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand("train", "Train a local checkpoint");
  command.require_subcommand(1);
  command.footer(fmt::format("Each trainer has --help with its settings.\nExample:\n  {}",
                             kTrainers[0].example));
  for (const TrainerHelp& help : kTrainers) {
    auto arguments = std::make_shared<TrainArguments>();
    arguments->job.trainer = help.trainer;
    CLI::App& trainer =
        *command.add_subcommand(std::string(TrainerName(help.trainer)), std::string(help.what));
    AddOptions(trainer, *arguments, help);
    trainer.footer(fmt::format(
        "{}{}Running it again continues after the last checkpoint. Under torchrun each process is "
        "one rank.\nExample:\n  {}",
        kCommonSettings, help.settings, help.example));
    OnRun(trainer, exit, [arguments] { return RunTrain(*arguments); });
  }
}

}  // namespace arena
