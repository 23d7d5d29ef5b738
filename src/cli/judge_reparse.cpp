#include "cli/judge_reparse.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "battle/reparse.h"
#include "cli/assemble.h"
#include "report/visible.h"

namespace arena {
namespace {

constexpr std::size_t kChangesListed = 20;

std::string SaysText(const Game& game) {
  if (game.state != WorkState::kDone) {
    return fmt::format("void ({}): {}", FailureKindName(game.failure), VisibleLine(game.error));
  }
  return fmt::format("{:g} to {:g}", game.verdict.score_first, game.verdict.score_second);
}

Json SaysJson(const Game& game) {
  if (game.state != WorkState::kDone) {
    return {{"failure", FailureKindName(game.failure)}, {"error", game.error}};
  }
  return {{"score_first", game.verdict.score_first}, {"score_second", game.verdict.score_second}};
}

Json ReparseJson(const ReparseReport& report, const ReparseArguments& arguments) {
  Json changes = Json::array();
  for (const RevisedGame& change : report.changes) {
    changes.push_back({{"game", change.after.key.Hex()},
                       {"before", SaysJson(change.before)},
                       {"after", SaysJson(change.after)}});
  }
  return {{"parser", arguments.parser},
          {"dry_run", arguments.dry_run},
          {"games", report.games},
          {"without_replies", report.without},
          {"not_understood", report.unreadable},
          {"now_done", report.now_done},
          {"now_failed", report.now_failed},
          {"other_verdict", report.other_verdict},
          {"changes", std::move(changes)},
          {"problems", report.problems}};
}

std::string ReparseText(const ReparseReport& report, const ReparseArguments& arguments) {
  std::string text;
  for (std::size_t i = 0; i < report.changes.size() && i < kChangesListed; ++i) {
    const RevisedGame& change = report.changes[i];
    text += fmt::format("game {}: {} -> {}\n", change.after.key.Hex().substr(0, 12),
                        SaysText(change.before), SaysText(change.after));
  }
  if (report.changes.size() > kChangesListed) text += "... (--json lists all)\n";
  for (const std::string& problem : report.problems) {
    text += fmt::format("{}\n", VisibleLine(problem));
  }
  const auto read = report.games - report.without - report.unreadable;
  text += fmt::format(
      "{} games were read again by the {} parser: {} have a verdict now that had none, {} have "
      "none now, {} read otherwise.\n",
      read, arguments.parser, report.now_done, report.now_failed, report.other_verdict);
  if (report.without > 0) {
    text += fmt::format("{} games keep no replies to read and stay as they are.\n", report.without);
  }
  if (report.unreadable > 0) {
    text += fmt::format("{} games keep replies that cannot be understood and stay as they are.\n",
                        report.unreadable);
  }
  if (report.changes.empty()) return text;
  return text + (arguments.dry_run
                     ? "Nothing was stored. Run again without --dry-run to store it.\n"
                     : "The replies themselves are kept as they were.\n");
}

}  // namespace

void AddReparseOptions(CLI::App& command, ReparseArguments& arguments) {
  auto* reparse = command.add_flag("--reparse", arguments.is_on,
                                   "Read the stored replies of LLM judges and juries again, "
                                   "without new calls, and store the verdicts that change");
  command.add_option("--parser", arguments.parser, "How replies are read")
      ->check(CLI::IsMember({"strict", "tolerant"}))
      ->capture_default_str()
      ->needs(reparse);
  command.add_flag("--dry-run", arguments.dry_run, "Only print what would change")->needs(reparse);
}

Result<Exit> RunReparse(const BattleSource& source, const ReparseArguments& arguments, bool json) {
  if (!source.is_store()) {
    return InvalidInput("--reparse reads a store: files keep no replies; leave the files out");
  }
  const std::string& where = source.arguments.store;
  // Opening for writing would make it.
  ARENA_RETURN_IF_ERROR(OpenStoreForReading(where));
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStore(where, {.read_only = arguments.dry_run}));
  ARENA_ASSIGN_OR_RETURN(const BattleQuery query, source.Query(*store));
  ARENA_ASSIGN_OR_RETURN(
      const ReparseReport report,
      Reparse(*store, query, *ParseVerdictReading(arguments.parser), arguments.dry_run));
  if (json) {
    PrintJson(ReparseJson(report, arguments));
  } else {
    PrintText(ReparseText(report, arguments));
  }
  return report.unreadable > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace arena
