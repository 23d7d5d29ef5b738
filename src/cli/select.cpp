// `arena select`: training data from the battles of a store.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/assemble.h"
#include "cli/command.h"
#include "cli/config.h"
#include "flywheel/selection.h"
#include "formats/answers.h"
#include "formats/instruction_scores.h"
#include "report/data_card_text.h"

namespace arena {
namespace {

struct SelectArguments {
  CommonOptions common;
  std::string store;
  SelectionSettings settings;
  std::string kind = "sft";
  std::string format;
  std::string by = "battles";
  std::string rivals = "best";
  std::string pairs = "target";
  std::string disagreement = "keep";
  std::string replay = "all";
  std::vector<std::string> test_sets;
  std::vector<std::string> instructions;
  std::string difficulty;
  std::string scores;
  std::vector<std::string> earlier;
  std::string out;
  std::string name;
};

/// What the input files hold, for as long as the selection runs.
struct LoadedInputs {
  TestSet test_set;
  std::unordered_set<Key, KeyHash> instructions;
  std::unordered_map<Key, double, KeyHash> difficulty;
  std::unordered_map<Key, double, KeyHash> scores;
  SelectionInputs inputs;  ///< points into the above
};

Result<SelectionSettings> SettingsOf(const SelectArguments& arguments) {
  SelectionSettings settings = arguments.settings;
  // CLI11 has checked the names.
  settings.kind = ParseTrainingKind(arguments.kind).value_or(settings.kind);
  settings.by = ParseSelectionRule(arguments.by).value_or(settings.by);
  settings.rival_choice = ParseRivalChoice(arguments.rivals).value_or(settings.rival_choice);
  settings.pairs = ParsePairChoice(arguments.pairs).value_or(settings.pairs);
  settings.disagreement =
      ParseDisagreementRule(arguments.disagreement).value_or(settings.disagreement);
  settings.format =
      ParseTrainerFormat(arguments.format).value_or(DefaultTrainerFormat(settings.kind));
  auto replay = ParseReplay(arguments.replay);
  if (!replay.ok()) return InvalidInput("--replay: " + replay.error().message);
  settings.replay = *replay;
  return settings;
}

/// Calls `sink` with every instruction of the files and notes the files for the data card.
Status ReadFiles(const std::vector<std::string>& files, const std::string& use,
                 std::vector<CardInput>& inputs, FunctionRef<void(const Instruction&)> sink) {
  for (const std::string& file : files) {
    ARENA_ASSIGN_OR_RETURN(const InstructionFormat format, GuessInstructionFormat(file));
    ARENA_ASSIGN_OR_RETURN(const ReadReport report,
                           ReadInstructions(format, file, {}, [&](Instruction&& row) -> Status {
                             sink(row);
                             return {};
                           }));
    ARENA_ASSIGN_OR_RETURN(CardInput input, DescribeInput(use, file, report.rows));
    inputs.push_back(std::move(input));
  }
  return {};
}

/// Reads the column `name` of a file of scores and notes the file for the data card.
Status ReadScores(const std::string& file, const std::string& name, std::vector<CardInput>& inputs,
                  std::unordered_map<Key, double, KeyHash>& scores) {
  const auto add = [&](const Key& key, double score) -> Status {
    scores[key] = score;
    return {};
  };
  ARENA_ASSIGN_OR_RETURN(const ReadReport report, ReadInstructionScores(file, name, add));
  ARENA_ASSIGN_OR_RETURN(CardInput input, DescribeInput(name, file, report.rows));
  inputs.push_back(std::move(input));
  return {};
}

Status LoadInputs(const SelectArguments& arguments, LoadedInputs& loaded) {
  SelectionInputs& inputs = loaded.inputs;
  ARENA_RETURN_IF_ERROR(
      ReadFiles(arguments.test_sets, "test set", inputs.files,
                [&](const Instruction& row) { loaded.test_set.Add(row.conversation); }));
  if (!arguments.test_sets.empty()) inputs.test_set = &loaded.test_set;
  ARENA_RETURN_IF_ERROR(
      ReadFiles(arguments.instructions, "instructions", inputs.files,
                [&](const Instruction& row) { loaded.instructions.insert(row.key); }));
  if (!arguments.instructions.empty()) inputs.instructions = &loaded.instructions;
  if (!arguments.difficulty.empty()) {
    ARENA_RETURN_IF_ERROR(
        ReadScores(arguments.difficulty, "difficulty", inputs.files, loaded.difficulty));
    inputs.difficulty = &loaded.difficulty;
  }
  if (!arguments.scores.empty()) {
    if (arguments.by != "ifd" && arguments.by != "tags") {
      return InvalidInput("--scores goes with --by ifd or --by tags");
    }
    ARENA_RETURN_IF_ERROR(ReadScores(arguments.scores, arguments.by, inputs.files, loaded.scores));
    inputs.scores = &loaded.scores;
  }
  inputs.earlier.assign(arguments.earlier.begin(), arguments.earlier.end());
  return {};
}

std::string SummaryText(const DataCard& card, const std::filesystem::path& data) {
  std::string text = fmt::format(
      "{} of {} battles ({} of {} instructions) were selected: {} rows in {}.\n", card.selected,
      card.battles, card.instructions_selected, card.instructions, card.rows, data.string());
  for (const auto& [reason, count] : card.dropped) {
    if (count > 0) text += fmt::format("  {:>8} dropped: {}\n", count, reason);
  }
  if (card.earlier.rows > 0) {
    text += fmt::format("{} of {} rows of earlier selections are among them.\n", card.earlier.kept,
                        card.earlier.rows);
  }
  if (!card.has_test_set) {
    text += "No test set was given (--test-set), so overlap with one was not looked for.\n";
  }
  const std::string stem = (data.parent_path() / data.stem()).string();
  return text +
         fmt::format("Data card: {}.card.md; every dropped battle: {}.dropped.jsonl\n", stem, stem);
}

Result<Exit> RunSelect(const SelectArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const SelectionSettings settings, SettingsOf(arguments));
  std::string where = arguments.store;
  if (where.empty()) {
    ARENA_ASSIGN_OR_RETURN(const Config config,
                           LoadValidConfig(arguments.common.config, arguments.common.overrides));
    where = config.store.string();
  }
  LoadedInputs loaded;
  ARENA_RETURN_IF_ERROR(LoadInputs(arguments, loaded));
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(where));
  SelectionOutput output;
  output.folder = arguments.out;
  output.name = arguments.name.empty() ? arguments.kind : arguments.name;
  output.describe = DataCardMarkdown;
  ARENA_ASSIGN_OR_RETURN(const DataCard card, Select(*store, settings, loaded.inputs, output));
  const std::filesystem::path data = output.folder / (output.name + ".jsonl");
  if (arguments.common.json) {
    Json json = {{"data", data.string()}};
    json.update(CardJson(card));
    PrintJson(json);
  } else {
    PrintText(SummaryText(card, data));
  }
  return Exit::kDone;
}

void AddRuleOptions(CLI::App& command, SelectArguments& arguments) {
  SelectionSettings& settings = arguments.settings;
  command
      .add_option(
          "--by", arguments.by,
          "What decides: battles (the verdicts), or as a baseline random, length, clusters, "
          "difficulty (needs --difficulty), ifd or tags (need --scores); baselines need "
          "--size")
      ->check(
          CLI::IsMember({"battles", "random", "length", "difficulty", "clusters", "ifd", "tags"}))
      ->capture_default_str();
  command.add_option("--k", settings.k, "Lost means: behind by more than this (mean score)")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command
      .add_option("--rivals", arguments.rivals,
                  "Several battles on an instruction: best (the best winner's) or each")
      ->check(CLI::IsMember({"best", "each"}))
      ->capture_default_str();
  command
      .add_option("--pairs", arguments.pairs,
                  "Pairs of all kinds but sft: the target's losses, target (won and lost) or all "
                  "(rivals among themselves, too)")
      ->check(CLI::IsMember({"losses", "target", "all"}))
      ->capture_default_str();
  command.add_option("--floor", settings.floor, "Drop battles with all four scores below this")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command.add_option("--min-score", settings.min_score, "The winner's mean score must reach this")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command
      .add_option("--disagreement", arguments.disagreement,
                  "Battles whose games name opposite winners: keep, exclude or down-weight")
      ->check(CLI::IsMember({"keep", "exclude", "down-weight"}))
      ->capture_default_str();
  command
      .add_option("--disagreement-weight", settings.disagreement_weight,
                  "down-weight: the share of them that is kept, drawn by the seed")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--size", settings.size, "At most this many battles; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--clusters", settings.clusters,
                  "--by clusters: groups of similar instructions, which give one each in turn")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--seed", settings.seed, "Of every draw")->capture_default_str();
}

void AddSourceFiles(CLI::App& command, SelectArguments& arguments) {
  SelectionSettings& settings = arguments.settings;
  command
      .add_option("--store", arguments.store,
                  "A store made by `arena battle` (default: the configuration's)")
      ->type_name("FILE");
  command.add_option("--judge", settings.judge, "Only verdicts of this judge");
  command.add_option("--category", settings.category, "Only instructions of this category");
  command.add_option("--against", settings.rivals, "Only battles against this rival (repeat it)")
      ->type_name("NAME");
  command
      .add_option("--instructions", arguments.instructions,
                  "Only battles on the instructions of this file, such as a shard (repeat it)")
      ->type_name("FILE");
  command
      .add_option("--test-set", arguments.test_sets,
                  "Remove and list what this file asks (repeat it)")
      ->type_name("FILE");
  command
      .add_option("--difficulty", arguments.difficulty,
                  "JSONL with a number `difficulty` for a `key`, `prompt` or `messages`")
      ->type_name("FILE");
  command
      .add_option("--scores", arguments.scores,
                  "JSONL with the number `ifd` or `tags`, as `arena score` writes it")
      ->type_name("FILE");
  command
      .add_option("--earlier", arguments.earlier,
                  "A data file of an earlier selection to train on again (repeat it)")
      ->type_name("FILE");
  command
      .add_option("--replay", arguments.replay,
                  "How much of --earlier: all (accumulate), none (only new), or rows for each new "
                  "row, such as 0.5")
      ->capture_default_str();
}

}  // namespace

void AddSelect(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("select", "Training data from the battles of a contestant");
  auto arguments = std::make_shared<SelectArguments>();
  command.add_option("--target", arguments->settings.target, "The contestant to be trained")
      ->required()
      ->type_name("NAME");
  command
      .add_option("--for", arguments->kind,
                  "sft (answers to learn), dpo, rm (pairs), kto (answers with a label) or ppo "
                  "(prompts)")
      ->check(CLI::IsMember({"sft", "dpo", "rm", "kto", "ppo"}))
      ->capture_default_str();
  command.add_option("--out", arguments->out, "The folder for all files")
      ->required()
      ->type_name("DIR");
  command.add_option("--name", arguments->name, "Of the files (default: what --for says)");
  command
      .add_option("--format", arguments->format,
                  "messages (default for sft), trl (for the others), trl-plain, openrlhf, "
                  "llama-factory, sharegpt or alpaca")
      ->check(CLI::IsMember(
          {"messages", "trl", "trl-plain", "openrlhf", "llama-factory", "sharegpt", "alpaca"}));
  command.add_flag("--with-reasoning", arguments->settings.with_reasoning,
                   "Put the reasoning before each answer, in <think> tags");
  AddRuleOptions(command, *arguments);
  AddSourceFiles(command, *arguments);
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer(
      "The same store, settings and files give the same bytes.\n"
      "Examples:\n"
      "  arena select --store run.db --target mine --for sft --test-set test.jsonl --out data\n"
      "  arena select --store run.db --target mine --for dpo --k 1 --pairs losses --out data\n"
      "  arena select --store run.db --target mine --by random --size 1000 --out baseline");
  OnRun(command, exit, [arguments] { return RunSelect(*arguments); });
}

}  // namespace arena
