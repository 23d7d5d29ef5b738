// `arena rank`: a leaderboard from a store or from files of verdicts.
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/file.h"
#include "cli/battle_source.h"
#include "cli/command.h"
#include "formats/alpaca_eval_tables.h"
#include "rating/length_control.h"
#include "rating/presets.h"
#include "rating/rate.h"
#include "report/board_csv.h"
#include "report/board_html.h"
#include "report/board_json.h"
#include "report/board_text.h"
#include "text/style_counts.h"

namespace arena {
namespace {

/// What the user said; what was not said is the preset's.
struct RankArguments {
  CommonOptions common;
  SourceArguments source;
  std::string preset = "arena";
  std::optional<std::string> method;
  std::optional<std::string> ci;
  std::optional<std::string> cluster;
  std::optional<int> bootstrap;
  std::optional<std::uint64_t> seed;
  std::optional<double> level;
  std::optional<double> ridge;
  unsigned threads = 0;
  std::string anchor;
  std::string baseline;
  bool reweight = false;
  bool style_control = false;
  std::optional<std::string> style_form;
  std::optional<double> style_ridge;
  std::string style_from;
  std::string lc_fit;
  std::string lc_gamed;
  std::string lc_difficulty;
  bool by_category = false;
  bool matrix = false;
  bool draws = false;
  bool timing = false;
  bool csv = false;
  bool markdown = false;
  std::string html;
};

template <typename T>
Result<T> Choose(std::string_view option, const std::string& value,
                 const std::vector<std::pair<std::string_view, T>>& choices) {
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return InvalidInput(fmt::format("{} \"{}\" is unknown; known: {}", option, value, known));
}

Result<std::pair<std::string, double>> ParseAnchor(const std::string& text) {
  const auto equals = text.rfind('=');
  if (equals != std::string::npos && equals > 0) {
    char* end = nullptr;
    const std::string number = text.substr(equals + 1);
    const double rating = std::strtod(number.c_str(), &end);
    if (!number.empty() && *end == '\0') return std::pair{text.substr(0, equals), rating};
  }
  return InvalidInput(
      fmt::format("--anchor {}: write NAME=RATING, for example gpt-4-0314=1000", text));
}

/// The style coefficients of a board in our JSON.
Result<std::vector<StyleCoefficient>> ReadFrozenStyle(const std::string& file) {
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ARENA_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  ARENA_ASSIGN_OR_RETURN(Board board, BoardFromJson(json));
  if (board.style.empty()) {
    return InvalidInput(fmt::format(
        "{} has no style coefficients; make it with `arena rank --style-control --json`", file));
  }
  return board.style;
}

/// Puts the named choice into `out`, if one was given.
template <typename T>
Status ChooseInto(std::string_view option, const std::optional<std::string>& value,
                  const std::vector<std::pair<std::string_view, T>>& choices, T& out) {
  if (!value) return {};
  ARENA_ASSIGN_OR_RETURN(out, Choose<T>(option, *value, choices));
  return {};
}

Status FillStyle(const RankArguments& arguments, StyleOptions& style) {
  if (arguments.style_control || !arguments.style_from.empty()) style.enabled = true;
  ARENA_RETURN_IF_ERROR(
      ChooseInto<StyleNormalisation>("--style-form", arguments.style_form,
                                     {{"fastchat", StyleNormalisation::kFastChat},
                                      {"arena-rank", StyleNormalisation::kArenaRank},
                                      {"arena-hard", StyleNormalisation::kArenaHard}},
                                     style.normalisation));
  style.ridge_on_style = arguments.style_ridge.value_or(style.ridge_on_style);
  if (arguments.style_from.empty()) return {};
  ARENA_ASSIGN_OR_RETURN(style.frozen, ReadFrozenStyle(arguments.style_from));
  return {};
}

Status FillMethod(const RankArguments& arguments, RatingOptions& options) {
  ARENA_RETURN_IF_ERROR(ChooseInto<RatingMethod>("--method", arguments.method,
                                                 {{"bt", RatingMethod::kBradleyTerry},
                                                  {"elo", RatingMethod::kElo},
                                                  {"winrate", RatingMethod::kWinRate},
                                                  {"lc", RatingMethod::kLengthControlled}},
                                                 options.method));
  ARENA_RETURN_IF_ERROR(ChooseInto<IntervalMethod>(
      "--ci", arguments.ci,
      {{"sandwich", IntervalMethod::kSandwich}, {"bootstrap", IntervalMethod::kBootstrap}},
      options.interval));
  return ChooseInto<Clustering>(
      "--cluster", arguments.cluster,
      {{"instruction", Clustering::kInstruction}, {"none", Clustering::kNone}}, options.clustering);
}

Result<RatingOptions> MakeRatingOptions(const RankArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(RatingOptions options, PresetOptions(arguments.preset));
  ARENA_RETURN_IF_ERROR(FillMethod(arguments, options));
  options.bootstrap_rounds = arguments.bootstrap.value_or(options.bootstrap_rounds);
  options.seed = arguments.seed.value_or(options.seed);
  options.level = arguments.level.value_or(options.level);
  options.ridge = arguments.ridge.value_or(options.ridge);
  options.threads = arguments.threads;
  if (!arguments.baseline.empty()) options.baseline = arguments.baseline;
  if (arguments.reweight) options.reweight_pairs = true;
  if (!arguments.anchor.empty()) {
    ARENA_ASSIGN_OR_RETURN(options.anchor, ParseAnchor(arguments.anchor));
  }
  ARENA_RETURN_IF_ERROR(FillStyle(arguments, options.style));
  return options;
}

DatasetOptions MakeDatasetOptions(const RatingOptions& options, const OutcomeOptions& outcome) {
  DatasetOptions dataset;
  dataset.outcome = outcome;
  const bool lengths = options.method == RatingMethod::kLengthControlled;
  dataset.keep_clusters = options.clustering == Clustering::kInstruction;
  dataset.keep_style = options.style.enabled || lengths;
  dataset.keep_order = options.method == RatingMethod::kElo;
  return dataset;
}

/// Adds style counts where the source has texts and no counts of its own.
class StyleFiller {
 public:
  explicit StyleFiller(const RatingOptions& options)
      : lengths_(options.method == RatingMethod::kLengthControlled),
        wanted_(lengths_ || options.style.enabled) {}

  bool wanted() const { return wanted_; }
  /// Whether Fill would change the battle: an answer may be empty, but a source without texts has
  /// none on either side.
  bool Fills(const BattleRecord& battle) const {
    return wanted_ && !(battle.text_a.empty() && battle.text_b.empty());
  }

  void Fill(BattleRecord& battle) const {
    if (!Fills(battle)) return;
    FillSide(battle.text_a, battle.style_a);
    FillSide(battle.text_b, battle.style_b);
  }

 private:
  void FillSide(std::string_view text, std::optional<StyleCounts>& style) const {
    if (lengths_) {
      style = StyleCounts{.tokens = static_cast<double>(CountCharacters(text))};
    } else if (!style) {
      style = CountStyle(text);
    }
  }

  bool lengths_;
  bool wanted_;
};

/// The instructions in the order of their first appearance: AlpacaEval's tables name them by place.
using Positions = std::unordered_map<std::string, std::int64_t>;

Result<LengthControlOptions> MakeLengthControl(const RankArguments& arguments,
                                               const Positions& positions) {
  LengthControlOptions options;
  std::map<std::int64_t, double> difficulty;
  if (!arguments.lc_gamed.empty()) {
    ARENA_ASSIGN_OR_RETURN(GamedTable table, ReadGamedTable(arguments.lc_gamed));
    for (GamedAnswer& row : table.rows) {
      options.gamed.push_back(
          {std::move(row.model), row.preference, row.std_delta_len, row.difficulty});
    }
    difficulty = std::move(table.difficulty);
  }
  if (!arguments.lc_difficulty.empty()) {
    ARENA_ASSIGN_OR_RETURN(difficulty, ReadDifficultyTable(arguments.lc_difficulty));
  }
  if (!difficulty.empty()) {
    for (const auto& [instruction, position] : positions) {
      const auto found = difficulty.find(position);
      if (found != difficulty.end()) options.difficulty[instruction] = found->second;
    }
  }
  // AlpacaEval's fit belongs to its tables; without them it has nothing to agree with.
  const bool has_tables = !difficulty.empty() || !options.gamed.empty();
  options.fit = has_tables ? LengthControlFit::kCrossValidatedLasso : LengthControlFit::kRidge;
  if (!arguments.lc_fit.empty()) {
    ARENA_ASSIGN_OR_RETURN(
        options.fit, Choose<LengthControlFit>("--lc-fit", arguments.lc_fit,
                                              {{"ridge", LengthControlFit::kRidge},
                                               {"lasso", LengthControlFit::kCrossValidatedLasso}}));
  }
  return options;
}

/// What was read from a source, before rating.
struct Datasets {
  std::string baseline;  ///< lc on AlpacaEval files: what the files compare with
  explicit Datasets(const DatasetOptions& options) : all(options) {}
  Dataset all;
  std::map<std::string, Dataset, std::less<>> by_category;
  Positions positions;
  ReadReport report;
};

/// Blocks of a source as datasets, which are joined in order.
class DatasetBlocks final : public BattleBlocks {
 public:
  DatasetBlocks(const StyleFiller& filler, Dataset& all) : filler_(filler), all_(all) {}

  bool merges() const override { return all_.merges(); }
  std::unique_ptr<BattleBlock> Open() override {
    return std::make_unique<Block>(filler_, all_.options());
  }
  Status Close(std::unique_ptr<BattleBlock> block) override {
    all_.Append(std::move(static_cast<Block&>(*block).data));
    return {};
  }

 private:
  struct Block final : BattleBlock {
    Block(const StyleFiller& fill, const DatasetOptions& options) : filler(fill), data(options) {}
    Status Add(const BattleRecord& read, std::uint32_t times) override {
      // The plain case is kept free of copies: files have millions of battles.
      if (!filler.Fills(read)) return data.Add(read, times);
      BattleRecord battle = read;
      filler.Fill(battle);
      return data.Add(battle, times);
    }
    const StyleFiller& filler;
    Dataset data;
  };

  const StyleFiller& filler_;
  Dataset& all_;
};

/// One dataset per category, and what length control needs, beside the one of all battles.
Status ReadInOrder(const RankArguments& arguments, const BattleSource& source,
                   const StyleFiller& filler, bool number_instructions, Datasets& datasets) {
  // AlpacaEval's files name the baseline: generator_1, which its reader puts second.
  const bool of_alpaca_eval = source.arguments.format == "alpaca-eval";
  const auto add = [&](const BattleRecord& read) -> Status {
    BattleRecord battle = read;
    filler.Fill(battle);
    if (number_instructions) {
      if (of_alpaca_eval && datasets.baseline.empty()) datasets.baseline = battle.model_b;
      datasets.positions.emplace(battle.instruction,
                                 static_cast<std::int64_t>(datasets.positions.size()));
    }
    if (arguments.by_category) {
      auto found = datasets.by_category.find(battle.category);
      if (found == datasets.by_category.end()) {
        found = datasets.by_category
                    .emplace(std::string(battle.category), Dataset(datasets.all.options()))
                    .first;
      }
      ARENA_RETURN_IF_ERROR(found->second.Add(battle));
    }
    return datasets.all.Add(battle);
  };
  ARENA_ASSIGN_OR_RETURN(datasets.report, source.Read(filler.wanted(), add));
  return {};
}

Status ReadDatasets(const RankArguments& arguments, const BattleSource& source,
                    const RatingOptions& options, Datasets& datasets) {
  const StyleFiller filler(options);
  const bool number_instructions = options.method == RatingMethod::kLengthControlled;
  if (arguments.by_category || number_instructions) {
    return ReadInOrder(arguments, source, filler, number_instructions, datasets);
  }
  DatasetBlocks blocks(filler, datasets.all);
  ARENA_ASSIGN_OR_RETURN(datasets.report,
                         source.ReadInBlocks(filler.wanted(), arguments.threads, blocks));
  return {};
}

/// The boards that were asked for: all battles first, then one per category.
Result<std::vector<Board>> MakeBoards(const RankArguments& arguments, const Datasets& datasets,
                                      RatingOptions options) {
  if (options.baseline.empty()) options.baseline = datasets.baseline;
  ARENA_ASSIGN_OR_RETURN(const LengthControlOptions length_control,
                         MakeLengthControl(arguments, datasets.positions));
  const auto rate = [&](const Dataset& data) {
    return options.method == RatingMethod::kLengthControlled
               ? RateLengthControlled(data, options, length_control)
               : Rate(data, options);
  };
  std::vector<Board> boards;
  ARENA_ASSIGN_OR_RETURN(Board board, rate(datasets.all));
  board.category = arguments.source.category;
  boards.push_back(std::move(board));
  const bool has_categories =
      datasets.by_category.size() > 1 ||
      (datasets.by_category.size() == 1 && !datasets.by_category.begin()->first.empty());
  if (arguments.by_category && !has_categories) {
    boards.front().warnings.push_back("the battles have no categories");
  }
  for (const auto& [category, dataset] : datasets.by_category) {
    if (!has_categories) break;
    auto rated = rate(dataset);
    if (!rated.ok()) {
      boards.front().warnings.push_back(
          fmt::format("no board for the category \"{}\": {}", category, rated.error().message));
      continue;
    }
    rated->category = category.empty() ? "(none)" : category;
    boards.push_back(std::move(*rated));
  }
  const ReadReport& report = datasets.report;
  if (report.bad_rows > 0) {
    boards.front().warnings.push_back(
        fmt::format("{} rows were not valid and were left out", report.bad_rows));
  }
  return boards;
}

void PrintBoards(const RankArguments& arguments, const std::vector<Board>& boards) {
  if (arguments.common.json) {
    return PrintJson(
        BoardsToJson(boards, {.win_matrix = arguments.matrix, .draws = arguments.draws}));
  }
  if (arguments.csv) return PrintText(BoardsCsv(boards));
  for (std::size_t i = 0; i < boards.size(); ++i) {
    if (i > 0) PrintText("\n");
    PrintText(arguments.markdown ? BoardMarkdown(boards[i])
                                 : BoardTable(boards[i], StdoutTableStyle()));
  }
}

Result<Exit> RunRank(const RankArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const RatingOptions options, MakeRatingOptions(arguments));
  ARENA_ASSIGN_OR_RETURN(BattleSource source, MakeBattleSource(arguments.source, arguments.common));
  if (arguments.preset != "arena") {
    ARENA_ASSIGN_OR_RETURN(const Preset preset, FindPreset(arguments.preset));
    ARENA_RETURN_IF_ERROR(source.SetOutcome(preset.outcome));
  }
  const SystemClock clock;
  const auto start = clock.Steady();
  Datasets datasets(MakeDatasetOptions(options, source.outcome));
  ARENA_RETURN_IF_ERROR(ReadDatasets(arguments, source, options, datasets));
  const auto read_end = clock.Steady();
  for (const std::string& problem : datasets.report.problems) fmt::print(stderr, "{}\n", problem);
  ARENA_ASSIGN_OR_RETURN(const std::vector<Board> boards, MakeBoards(arguments, datasets, options));
  if (arguments.timing) {
    const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
    fmt::print(stderr, "read_s={:.4f} rate_s={:.4f}\n", seconds(read_end - start),
               seconds(clock.Steady() - read_end));
  }
  PrintBoards(arguments, boards);
  if (!arguments.html.empty()) {
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(
        arguments.html, BoardHtml(boards, fmt::format("Leaderboard: {}", source.label))));
    fmt::print(stderr, "Wrote {}\n", arguments.html);
  }
  return datasets.report.bad_rows > 0 ? Exit::kFailuresListed : Exit::kDone;
}

/// "fastchat: ..., arena-rank: ..." for --help.
std::string PresetHelp() {
  std::string text = "Defaults of another tool, which the options below override:";
  for (const Preset& preset : Presets()) {
    text += fmt::format("\n{}: {}", preset.name, preset.summary);
  }
  return text;
}

void AddMethodOptions(CLI::App& command, RankArguments& arguments) {
  const RatingOptions defaults;
  command.add_option("--preset", arguments.preset, PresetHelp())->capture_default_str();
  command.add_option("--method", arguments.method, "bt (default), elo, winrate or lc");
  command.add_option("--ci", arguments.ci, "Intervals by sandwich (default) or bootstrap");
  command.add_option("--cluster", arguments.cluster,
                     "What is drawn at random: whole instructions (default), or none: single "
                     "battles, taken as independent");
  command.add_option(
      "--bootstrap", arguments.bootstrap,
      fmt::format("Rounds of the bootstrap (default {})", defaults.bootstrap_rounds));
  command.add_option("--level", arguments.level,
                     fmt::format("Level of the intervals (default {})", defaults.level));
  command.add_option("--seed", arguments.seed,
                     fmt::format("Of all random draws (default {})", defaults.seed));
  command.add_option("--threads", arguments.threads, "0: all processors")->capture_default_str();
  command.add_option("--anchor", arguments.anchor, "Fix one rating (default: the mean is 1000)")
      ->type_name("NAME=RATING");
  command.add_option("--baseline", arguments.baseline, "winrate and lc: against this contestant");
  command.add_option(
      "--ridge", arguments.ridge,
      fmt::format("bt: L2 on the parameters, against separation (default {})", defaults.ridge));
  command.add_flag("--reweight-pairs", arguments.reweight,
                   "bt: weight every pair alike, 1/max(battles, 50)");
  command.add_flag("--style-control", arguments.style_control,
                   "bt: take out length, headers, lists and bold");
  command.add_option("--style-form", arguments.style_form,
                     "Style features as in fastchat (default), arena-rank or arena-hard");
  command.add_option("--style-ridge", arguments.style_ridge, "L2 on the style coefficients");
  command
      .add_option("--style-from", arguments.style_from,
                  "Use the style coefficients of this board (JSON) as they are")
      ->type_name("FILE");
  command.add_option("--lc-gamed", arguments.lc_gamed, "lc: AlpacaEval's df_gamed.csv")
      ->type_name("FILE");
  command
      .add_option("--lc-difficulty", arguments.lc_difficulty,
                  "lc: AlpacaEval's instruction_difficulty.csv")
      ->type_name("FILE");
  command.add_option("--lc-fit", arguments.lc_fit,
                     "lc: ridge (default), or lasso by cross-validation as AlpacaEval (default "
                     "with its tables)");
}

void AddOutputOptions(CLI::App& command, RankArguments& arguments) {
  command.add_flag("--by-category", arguments.by_category, "One more board for each category");
  AddJsonOption(command, arguments.common);
  command.add_flag("--csv", arguments.csv, "CSV on stdout");
  command.add_flag("--markdown", arguments.markdown, "Markdown on stdout");
  command.add_flag("--timing", arguments.timing, "Seconds of reading and rating on stderr");
  command.add_option("--html", arguments.html, "Write a page with plots")->type_name("FILE");
  command.add_flag("--matrix", arguments.matrix, "The win matrix in the JSON, too");
  command.add_flag("--draws", arguments.draws,
                   "The bootstrap draws in the JSON, too (for `arena agree`)");
}

}  // namespace

void AddRank(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("rank", "A leaderboard from a store or from files of verdicts");
  auto arguments = std::make_shared<RankArguments>();
  AddSourceOptions(command, arguments->source);
  AddMethodOptions(command, *arguments);
  AddOutputOptions(command, *arguments);
  AddConfigOptions(command, arguments->common);
  command.footer(
      "Examples:\n"
      "  arena rank --store gsm8k.db\n"
      "  arena rank --format alpaca-eval results/*.json --method lc\n"
      "  arena rank --format lmsys votes.csv.zst --ci bootstrap --html board.html");
  OnRun(command, exit, [arguments] { return RunRank(*arguments); });
}

}  // namespace arena
