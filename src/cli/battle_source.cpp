#include "cli/battle_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/nearest.h"
#include "cli/assemble.h"
#include "cli/config.h"
#include "formats/verdicts.h"
#include "store/store.h"

namespace arena {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"arena", "alpaca-eval", "lmsys", "fastchat",
                                                      "arena-hard"};

Result<VerdictFormat> VerdictFormatOf(const std::string& name) {
  if (name.empty()) {
    return InvalidInput(fmt::format("files need --format; known: {}", fmt::join(kFormats, ", ")));
  }
  if (const auto format = ParseVerdictFormat(name)) return *format;
  const auto near = NearestName(name, kFormats);
  return InvalidInput(fmt::format("unknown format \"{}\"{}; known: {}", name,
                                  near ? fmt::format(", did you mean \"{}\"?", *near) : "",
                                  fmt::join(kFormats, ", ")));
}

Result<VerdictOptions> VerdictOptionsOf(const SourceArguments& arguments) {
  VerdictOptions options;
  options.read.skip_bad_rows = arguments.skip_bad_rows;
  for (const std::string& column : arguments.columns) {
    const auto equals = column.find('=');
    if (equals == std::string::npos) {
      return InvalidInput(
          fmt::format("--column {}: write name=column, for example winner=vote", column));
    }
    options.columns[column.substr(0, equals)] = column.substr(equals + 1);
  }
  return options;
}

bool HasFilters(const SourceArguments& arguments) {
  return !arguments.judge.empty() || !arguments.category.empty() || !arguments.contestants.empty();
}

/// Whether the record passes the user's filters (the store applies its own).
bool Passes(const SourceArguments& arguments, const BattleRecord& battle) {
  const auto listed = [&](std::string_view name) {
    return std::find(arguments.contestants.begin(), arguments.contestants.end(), name) !=
           arguments.contestants.end();
  };
  if (!arguments.judge.empty() && battle.judge != arguments.judge) return false;
  if (!arguments.category.empty() && battle.category != arguments.category) return false;
  return arguments.contestants.empty() || (listed(battle.model_a) && listed(battle.model_b));
}

/// Lets through what passes the user's filters.
class FilteredBlocks final : public BattleBlocks {
 public:
  FilteredBlocks(const SourceArguments& arguments, BattleBlocks& inner)
      : arguments_(arguments), inner_(inner) {}

  bool merges() const override { return inner_.merges(); }
  std::unique_ptr<BattleBlock> Open() override {
    return std::make_unique<Block>(arguments_, inner_.Open());
  }
  Status Close(std::unique_ptr<BattleBlock> block) override {
    return inner_.Close(std::move(static_cast<Block&>(*block).inner));
  }

 private:
  struct Block final : BattleBlock {
    Block(const SourceArguments& filter, std::unique_ptr<BattleBlock> to)
        : arguments(filter), inner(std::move(to)) {}
    Status Add(const BattleRecord& battle, std::uint32_t times) override {
      return Passes(arguments, battle) ? inner->Add(battle, times) : Status{};
    }
    const SourceArguments& arguments;
    std::unique_ptr<BattleBlock> inner;
  };

  const SourceArguments& arguments_;
  BattleBlocks& inner_;
};

Status ApplyOutcomeArguments(const SourceArguments& arguments, OutcomeOptions& outcome) {
  if (!arguments.policy.empty()) {
    const auto policy = ParseOutcomePolicy(arguments.policy);
    if (!policy) {
      return InvalidInput(fmt::format(
          "unknown policy \"{}\"; known: mean-score, disagree-tie, each-game", arguments.policy));
    }
    outcome.policy = *policy;
  }
  if (arguments.tie_margin) outcome.tie_margin = *arguments.tie_margin;
  return {};
}

}  // namespace

void AddSourceOptions(CLI::App& command, SourceArguments& arguments) {
  command.add_option("FILES", arguments.files,
                     "Files of verdicts; .gz and .zst are read as they are");
  command.add_option("--format", arguments.format,
                     "Format of FILES: arena, alpaca-eval, lmsys, fastchat or arena-hard");
  command
      .add_option("--column", arguments.columns,
                  "Another column name in lmsys files, for example winner=vote")
      ->type_name("NAME=COLUMN");
  command.add_flag("--skip-bad-rows", arguments.skip_bad_rows,
                   "Leave rows that are not valid out, and list them");
  AddStoreOptions(command, arguments);
}

void AddStoreOptions(CLI::App& command, SourceArguments& arguments) {
  command
      .add_option("--store", arguments.store,
                  "A store made by `arena battle` (default: the configuration's)")
      ->type_name("FILE");
  command.add_option("--judge", arguments.judge, "Only verdicts of this judge");
  command.add_option("--category", arguments.category, "Only instructions of this category");
  command.add_option("--contestant", arguments.contestants,
                     "Only battles among the named contestants (repeat it)");
  command.add_flag("--all-versions", arguments.all_versions,
                   "Contestants and judges of the store whose name another version took, too");
  command.add_option("--policy", arguments.policy,
                     "How two games become one result: mean-score (default for a store), "
                     "disagree-tie, each-game");
  command.add_option("--tie-margin", arguments.tie_margin,
                     "mean-score: a smaller gap of the mean scores is a tie");
}

Result<BattleSource> MakeBattleSource(const SourceArguments& arguments,
                                      const CommonOptions& common) {
  BattleSource source;
  source.arguments = arguments;
  if (!arguments.files.empty()) {
    if (!arguments.store.empty()) {
      return InvalidInput("give FILES or --store, not both");
    }
    ARENA_ASSIGN_OR_RETURN(const VerdictFormat format, VerdictFormatOf(arguments.format));
    source.outcome = DefaultOutcome(format);
    source.label = fmt::format("{} file{} ({})", arguments.files.size(),
                               arguments.files.size() == 1 ? "" : "s", arguments.format);
  } else if (arguments.store.empty() || common.config_given) {
    ARENA_ASSIGN_OR_RETURN(const Config config, LoadValidConfig(common.config, common.overrides));
    if (arguments.store.empty()) source.arguments.store = config.store.string();
    source.outcome = config.outcome;
  }
  if (source.is_store()) source.label = source.arguments.store;
  ARENA_RETURN_IF_ERROR(ApplyOutcomeArguments(arguments, source.outcome));
  return source;
}

Status BattleSource::SetOutcome(const OutcomeOptions& options) {
  outcome = options;
  return ApplyOutcomeArguments(arguments, outcome);
}

Result<ReadReport> BattleSource::Read(bool with_texts, BattleSink sink) const {
  if (!is_store()) {
    ARENA_ASSIGN_OR_RETURN(const VerdictFormat format, VerdictFormatOf(arguments.format));
    ARENA_ASSIGN_OR_RETURN(const VerdictOptions options, VerdictOptionsOf(arguments));
    const std::vector<std::filesystem::path> paths(arguments.files.begin(), arguments.files.end());
    return ReadVerdicts(format, paths, options, [&](const BattleRecord& battle) -> Status {
      return Passes(arguments, battle) ? sink(battle) : Status{};
    });
  }
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(arguments.store));
  ARENA_ASSIGN_OR_RETURN(BattleQuery query, Query(*store));
  query.with_texts = with_texts;
  ReadReport report;
  ARENA_RETURN_IF_ERROR(store->ForEachBattle(query, [&](const BattleRecord& battle) -> Status {
    ++report.rows;
    return sink(battle);
  }));
  return report;
}

Result<ReadReport> BattleSource::ReadInBlocks(bool with_texts, unsigned threads,
                                              BattleBlocks& blocks) const {
  if (is_store()) {
    std::unique_ptr<BattleBlock> block = blocks.Open();
    ARENA_ASSIGN_OR_RETURN(ReadReport report, Read(with_texts, [&](const BattleRecord& battle) {
                             return block->Add(battle, 1);
                           }));
    ARENA_RETURN_IF_ERROR(blocks.Close(std::move(block)));
    return report;
  }
  ARENA_ASSIGN_OR_RETURN(const VerdictFormat format, VerdictFormatOf(arguments.format));
  ARENA_ASSIGN_OR_RETURN(const VerdictOptions options, VerdictOptionsOf(arguments));
  const std::vector<std::filesystem::path> paths(arguments.files.begin(), arguments.files.end());
  if (!HasFilters(arguments)) return ReadVerdictsInBlocks(format, paths, options, threads, blocks);
  FilteredBlocks filtered(arguments, blocks);
  return ReadVerdictsInBlocks(format, paths, options, threads, filtered);
}

Result<BattleQuery> BattleSource::Query(Store& store) const {
  ARENA_RETURN_IF_ERROR(CheckOneJudge(store, arguments.judge));
  BattleQuery query;
  query.judge = arguments.judge;
  query.category = arguments.category;
  query.contestants = arguments.contestants;
  query.with_superseded = arguments.all_versions;
  return query;
}

}  // namespace arena
